-- lock_call.sql: one call, for a person who decides what it is.
select {call} from call c where c.id = @id for no key update;
