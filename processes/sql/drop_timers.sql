-- drop_timers.sql: forget timers. A row held by somebody who is about to fire it is left to him: he waits for the
-- subject we hold, and then finds the timer gone from the snapshot. Waiting for his row would be a deadlock.
delete from timer
where (instance_id, no) in (
	select t.instance_id, t.no
	from timer t
	join unnest(@instances::bigint[], @nos::int[]) as n (instance_id, no) on t.instance_id = n.instance_id and t.no = n.no
	for update of t skip locked
);
