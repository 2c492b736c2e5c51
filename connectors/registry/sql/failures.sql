-- failures.sql: what the poller of a connection could not take, what nobody has given up first, the latest first.
select part, item, attempts, since, reason, aside_at is not null, left_at is not null, last_at, retry_at, left_at, left_by, left_why
from connection_failure
where connection = @connection
order by left_at is not null, last_at desc, part, item
limit 200;
