-- resume.sql: probe now. A probe under way is waited for.
update delivery_pause set until = $2
where (connection = $1 or via = $1) and until > $2 and probe is null
