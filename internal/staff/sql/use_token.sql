-- use_token.sql: who holds the token; that it was used is noted once a minute.
with held as (
	select api_token.id, api_token.employee_id, api_token.used_at
	from api_token
	join employee on employee.id = api_token.employee_id
	where api_token.token_hash = @token and api_token.revoked_at is null and employee.disabled_at is null
), used as (
	update api_token set used_at = @now
	from held
	where api_token.id = held.id
		and (held.used_at is null or held.used_at < @now::timestamptz - interval '1 minute')
		and (api_token.used_at is null or api_token.used_at < @now)
)
select employee_id from held
