-- lock_leads.sql: leads by id, locked in the order of their ids.
select {lead} from lead l where l.id = any(@ids::bigint[]) order by l.id for no key update;
