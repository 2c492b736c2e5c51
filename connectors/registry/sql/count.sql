-- count.sql: add what this process has counted since it last did.
insert into connection_count as c (connection, day, outcome, count, last_at)
select * from unnest(@connections::text[], @days::date[], @outcomes::text[], @counts::bigint[], @times::timestamptz[])
on conflict (connection, day, outcome) do update
set count = c.count + excluded.count, last_at = greatest(c.last_at, excluded.last_at);
