-- revoke_token.sql: the token is worth nothing from now on; revoking twice keeps the first time.
update api_token
set revoked_at = coalesce(revoked_at, @now)
where id = @id
returning employee_id
