-- conflict_count.sql: how often known ids of a connection came with other content, since two moments.
select count(*) filter (where c.received_at >= @day::timestamptz), count(*)
from inquiry_conflict c
join inquiry i on i.id = c.inquiry_id
where i.connection = @connection and c.received_at >= @month::timestamptz;
