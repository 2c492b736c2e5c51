-- load.sql: every connection as it is configured now, with its tokens, oldest first.
select c.name, c.connector, c.provider, c.title, c.source, c.settings, c.sealed, c.from_config, c.enabled, c.rate_limit,
       c.created_at, c.updated_at, c.trouble, c.trouble_at, c.confirmed_at,
       coalesce(t.hashes, '{}') as hashes, coalesce(t.sealed, '{}') as tokens, coalesce(t.created, '{}') as made, coalesce(t.expires, '{}') as expires
from connection c
left join (
	select connection, array_agg(token_hash order by created_at, token_hash) as hashes,
	       array_agg(coalesce(sealed, '') order by created_at, token_hash) as sealed,
	       array_agg(created_at order by created_at, token_hash) as created,
	       array_agg(coalesce(expires_at, 'infinity') order by created_at, token_hash) as expires
	from connection_token
	group by connection
) t on t.connection = c.name
order by c.name;
