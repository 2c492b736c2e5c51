-- counts.sql: what happened on each connection today, since a day, and when last.
select connection, outcome, coalesce(sum(count) filter (where day = @today), 0)::bigint as today,
       coalesce(sum(count) filter (where day >= @since), 0)::bigint as recent, max(last_at) as last_at
from connection_count
group by connection, outcome;
