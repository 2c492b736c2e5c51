-- failures.sql: what the poller of a connection could not take, the latest first.
select part, item, attempts, since, reason, aside_at is not null
from connection_failure
where connection = @connection
order by last_at desc, part, item
limit 200;
