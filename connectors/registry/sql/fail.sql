-- fail.sql: one more failed try at an item of a poller. The one that somebody wanted is made with it.
insert into connection_failure as f (connection, part, item, attempts, reason, since, last_at)
values (@connection, @part, @item, 1, @reason, @now, @now)
on conflict (connection, part, item) do update
set attempts = f.attempts + 1, reason = excluded.reason, last_at = excluded.last_at, retry_at = null
returning part, item, attempts, since, reason, aside_at is not null, left_at is not null;
