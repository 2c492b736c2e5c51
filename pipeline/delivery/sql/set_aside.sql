-- set_aside.sql: there is nobody it could go to, and nobody waits for it.
update delivery set state = 'discarded', lease_until = null, done_at = $3, last_error = $4
where id = $1 and state = 'leased' and attempts = $2
returning *
