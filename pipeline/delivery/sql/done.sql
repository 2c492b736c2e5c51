-- done.sql: it went out. Only whoever holds the lease of attempt $2 may say so.
update delivery set state = 'done', done_at = $3, lease_until = null, last_error = ''
where id = $1 and state = 'leased' and attempts = $2
returning *
