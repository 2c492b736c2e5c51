-- unlinked.sql: open leads that a system does not hold yet, the latest first. They are locked, so that one that is being changed at the
-- moment is left to whoever changes it.
select l.id, coalesce(l.contact_id, 0), coalesce(l.client_id, 0), l.connection, l.status
from lead l
where l.status = 'open' and not l.test
	and not exists (select from exchange_link x where x.connection = @connection and x.kind = 'lead' and x.object_id = l.id and x.main)
order by l.id desc
limit @limit
for no key update skip locked;
