-- retire_tokens.sql: the other tokens stay valid until the overlap is over; those that are over go.
with gone as (
	delete from connection_token where connection = @connection and expires_at < @now
)
update connection_token set expires_at = least(coalesce(expires_at, 'infinity'), @until)
where connection = @connection and token_hash <> @hash and coalesce(expires_at, 'infinity') > @until;
