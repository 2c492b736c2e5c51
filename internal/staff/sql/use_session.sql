-- use_session.sql: who holds the session; that it was used is noted once a minute.
with held as (
	select session.token_hash, session.employee_id, session.seen_at, employee.must_change_password
	from session
	join employee on employee.id = session.employee_id
	where session.token_hash = @token
		and session.expires_at > @now
		and session.seen_at > @idle
		and employee.disabled_at is null
), seen as (
	update session set seen_at = @now
	from held
	where session.token_hash = held.token_hash and held.seen_at < @now::timestamptz - interval '1 minute'
)
select employee_id, must_change_password from held
