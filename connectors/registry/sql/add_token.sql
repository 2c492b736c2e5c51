-- add_token.sql: a token of a connection's address. One that was on its way out counts in full again.
insert into connection_token (connection, token_hash, sealed, created_at)
values (@connection, @hash, @sealed, @now)
on conflict (connection, token_hash) do update set expires_at = null, created_at = excluded.created_at
where connection_token.expires_at is not null;
