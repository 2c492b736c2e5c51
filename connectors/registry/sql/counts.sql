-- counts.sql: what happened on each connection today, since a day, and when last. What is counted in memory first may be lost with
-- the process that counted, a second of it; what stands among the unprocessed, and when the latest inquiry came, is asked of
-- the inquiries themselves.
select connection, outcome, coalesce(sum(count) filter (where day = @today), 0)::bigint as today,
       coalesce(sum(count) filter (where day >= @since), 0)::bigint as recent, max(last_at) as last_at
from connection_count
where outcome <> 'failed'
group by connection, outcome
union all
select connection, 'failed', count(*) filter (where received_at >= @midnight), count(*) filter (where received_at >= @midnight - interval '29 days'), max(received_at)
from inquiry
where state = 'dead'
group by connection
union all
select c.name, 'filed', 0, 0, i.received_at
from connection c
cross join lateral (select received_at from inquiry where connection = c.name order by received_at desc limit 1) i;
