-- people.sql: what matching needs to know of contacts, with their clients in the order they were linked.
select c.id, c.name, c.not_client, c.created_at, k.ids, k.names
from contact c
cross join lateral (
	select coalesce(array_agg(k.id order by k.id), '{}') as ids, coalesce(array_agg(k.name order by k.id), '{}') as names
	from contact_client cc
	join client k on k.id = cc.client_id
	where cc.contact_id = c.id
) k
where c.id = any(@ids::bigint[]);
