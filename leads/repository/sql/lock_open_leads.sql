-- lock_open_leads.sql: the open leads of these contacts, and of these clients where no person is known, locked in the order of their ids.
select {lead}
from lead l
where l.status = 'open' and not l.test
	and (l.contact_id = any(@contacts::bigint[]) or l.contact_id is null and l.client_id = any(@clients::bigint[]))
order by l.id
for no key update;
