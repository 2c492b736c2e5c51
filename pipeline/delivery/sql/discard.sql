-- discard.sql: a person decided that it shall not go out.
update delivery set state = 'discarded', done_at = $2, last_error = $3
where id = $1 and state in ('waiting', 'parked')
returning *
