-- lock_contact_leads.sql: the leads of contacts, in the order of their ids.
select id from lead where contact_id = any(@contacts::bigint[]) order by id for no key update;
