-- done.sql: it went out. Only whoever holds the lease of attempt $2 may say so. Its connection works, then.
with done as (
	update delivery set state = 'done', done_at = $3, lease_until = null, last_error = ''
	where id = $1 and state = 'leased' and attempts = $2
	returning *
), released as (
	update delivery_pause p set until = null, ended_at = $3, probe = null
	from done d
	where p.connection = d.connection and p.until is not null
)
select * from done
