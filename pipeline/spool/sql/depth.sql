-- depth.sql: how much waits in topic $1, counted up to $2 rows, and since when.
select
	(select count(*) from (select 1 from spool where topic = $1 limit $2) s),
	(select min(s.spooled_at)
	 from generate_series(0, 15) as l (lane)
	 cross join lateral (
		select spooled_at from spool s where s.topic = $1 and s.lane = l.lane order by s.id limit 1
	 ) s)
