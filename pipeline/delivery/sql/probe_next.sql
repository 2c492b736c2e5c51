-- probe_next.sql: the one that was to probe is out of the way, and told nothing of the connection.
update delivery_pause set until = $2, probe = null
where connection = $1 and probe = $3 and until is not null
