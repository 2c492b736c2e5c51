-- leads.sql: leads by id.
select {lead} from lead l where l.id = any(@ids::bigint[]) order by l.id;
