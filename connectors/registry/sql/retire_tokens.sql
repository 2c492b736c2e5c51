-- retire_tokens.sql: the other tokens stay valid until the overlap is over. Their rows stay for good: a token that was
-- replaced must not come back from an old configuration file.
update connection_token set expires_at = least(coalesce(expires_at, 'infinity'), @until)
where connection = @connection and token_hash <> @hash and coalesce(expires_at, 'infinity') > @until;
