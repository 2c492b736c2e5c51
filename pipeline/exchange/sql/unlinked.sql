-- unlinked.sql: open leads that a system does not hold yet, the latest first. They are locked, so that one that is being changed at the
-- moment is left to whoever changes it. This is asked every few seconds, and nearly always there are none: open leads are found and looked
-- up by their indexes ("offset 0": joined, all that the system ever held would be read, and with the order inside, all leads).
with missing as materialized (
	select l.id
	from lead l
	where l.status = 'open' and not l.test
		and not exists (select from exchange_link x where x.connection = @connection and x.kind = 'lead' and x.object_id = l.id and x.main offset 0)
)
select l.id, coalesce(l.contact_id, 0), coalesce(l.client_id, 0), l.connection, l.status
from lead l
where l.id = any(array(select id from missing order by id desc limit @limit)) and l.status = 'open'
order by l.id desc
for no key update skip locked;
