-- lock_open_leads.sql: the open leads of these contacts, of these clients where no person is known, and those that are
-- named, locked in the order of their ids. Two look-ups rather than an OR, and closed_at for the status they agree on, or else the planner reads all
-- open leads there are.
select {lead}
from lead l
where l.id = any(
		array(select id from lead where contact_id = any(@contacts::bigint[]) and status = 'open')
		|| array(select id from lead where client_id = any(@clients::bigint[]) and contact_id is null and status = 'open')
		|| @named::bigint[])
	and l.closed_at is null and not l.test
order by l.id
for no key update;
