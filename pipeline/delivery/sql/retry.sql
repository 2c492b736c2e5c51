-- retry.sql: it failed and is due again at $3. What waits behind it in its object
-- is not looked at before then either, or each look would pass over all of it.
with failed as (
	update delivery set state = 'waiting', due_at = $3, lease_until = null, last_error = $4
	where id = $1 and state = 'leased' and attempts = $2
	returning connection, object, id
)
update delivery d set due_at = $3
from failed f
where d.connection = f.connection and d.object = f.object and d.object <> ''
	and d.state = 'waiting' and d.due_at < $3 and d.id <> f.id
