-- contacts.sql: contacts by id, and those of leads, with their points in the order they became known.
select c.id, c.name, c.not_client, coalesce(c.merged_into, 0), c.created_at, c.version, p.points, k.clients
from contact c
cross join lateral (
	select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'value', value, 'written', written, 'extension', extension)
		order by created_at, kind, value), '[]') as points
	from contact_point where contact_id = c.id
) p
cross join lateral (
	select coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'name', k.name, 'inn', k.inn) order by k.id), '[]') as clients
	from contact_client cc join client k on k.id = cc.client_id
	where cc.contact_id = c.id
) k
where c.id = any(@contacts::bigint[] || array(select contact_id from lead where id = any(@leads::bigint[]) and contact_id is not null));
