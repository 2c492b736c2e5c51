-- take_lanes.sql: lock up to $4 of the lanes $3 of topic $1 that have rows and that
-- nobody else works on, until the transaction ends. Which rows there are must be
-- asked afterwards in a statement of its own: only that one sees everything the
-- former holder of the lane has left. $2 is the lock class of the topic. Each lane
-- is looked into by itself: exists() would be planned as a join with all that waits.
with work as materialized (
	select l.lane
	from unnest($3::smallint[]) with ordinality as l (lane, position)
	cross join lateral (select from spool s where s.topic = $1 and s.lane = l.lane limit 1) waiting
	order by l.position
)
select lane from work where pg_try_advisory_xact_lock($2::integer, lane::integer) limit $4
