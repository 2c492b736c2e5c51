-- park.sql: it will not go out by itself; a person decides.
update delivery set state = 'parked', lease_until = null, last_error = $3
where id = $1 and state = 'leased' and attempts = $2
returning *
