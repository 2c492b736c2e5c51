-- put_back.sql: its connection pauses, and it waits as if it had not been tried; behind the others, so that another one probes
-- next. Not if something else went out since it made the connection pause before: then the trouble is its own.
update delivery d set state = 'waiting', attempts = d.attempts - 1, due_at = $3, halted_at = $3, lease_until = null, last_error = $4
where d.id = $1 and d.state = 'leased' and d.attempts = $2
	and not exists (select 1 from delivery_pause p where p.connection = d.connection and p.ended_at >= d.halted_at)
returning d.*
