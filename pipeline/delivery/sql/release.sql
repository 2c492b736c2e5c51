-- release.sql: the other side has answered: what waits goes out.
update delivery_pause set until = null, ended_at = $2, probe = null
where connection = $1 and until is not null
