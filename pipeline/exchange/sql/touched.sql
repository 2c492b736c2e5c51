-- touched.sql: the leads that changed, and open leads of the same person, which show the same names.
with changed as (
	select id, contact_id from lead where id = any(@leads::bigint[])
)
select l.id, coalesce(l.contact_id, 0), coalesce(l.client_id, 0), l.connection, l.status
from lead l
where not l.test and (l.id in (select id from changed)
	or l.status = 'open' and l.contact_id in (select contact_id from changed where contact_id is not null))
order by l.id;
