-- replay.sql: a person had the cause removed; try the parked row again from the start.
update delivery set state = 'waiting', attempts = 0, due_at = $2
where id = $1 and state = 'parked'
returning *
