-- touched.sql: the leads that changed, and open leads of the same person, which show the same names. The ids come first, each
-- by its index: with "or" between the two PostgreSQL would look through all leads.
with changed as (
	select id, contact_id from lead where id = any(@leads::bigint[])
), wanted as (
	select id from changed
	union
	select o.id from lead o
	where o.status = 'open' and o.contact_id = any(array(select contact_id from changed where contact_id is not null))
)
select l.id, coalesce(l.contact_id, 0), coalesce(l.client_id, 0), l.connection, l.status
from lead l
where l.id = any(array(select id from wanted)) and not l.test
order by l.id;
