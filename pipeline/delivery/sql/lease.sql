-- lease.sql: take up to $3 rows that are due at $1 until $2: of each object only
-- the oldest open one, of each connection no more than $4 less what $5/$6 say is
-- in hand already. A lease that ran out is due again. Connections are found by
-- skipping along the index and only the heads of each are read, so that a long
-- backlog of one costs no more than a short one. Of a connection that is paused
-- nothing is taken before its time, and then one row by one process, which probes.
with recursive connections as (
	(select connection from delivery where state in ('waiting', 'leased') order by connection limit 1)
	union all
	select (
		select d.connection from delivery d
		where d.state in ('waiting', 'leased') and d.connection > c.connection
		order by d.connection limit 1
	)
	from connections c
	where c.connection is not null
), probes as materialized (
	select p.connection
	from delivery_pause p
	where p.until <= $1
		and exists (select 1 from delivery d where d.connection = p.connection and d.state in ('waiting', 'leased') and d.due_at <= $1)
	for update skip locked
), heads as materialized (
	select o.id
	from connections c
	left join unnest($5::text[], $6::integer[]) as b (connection, count) on b.connection = c.connection
	left join delivery_pause p on p.connection = c.connection and p.until is not null
	left join probes r on r.connection = c.connection
	cross join lateral (
		select d.id
		from delivery d
		where d.connection = c.connection and d.state in ('waiting', 'leased') and d.due_at <= $1
			and not exists (
				select 1 from delivery older
				where older.connection = d.connection and older.object = d.object and older.object <> ''
					and older.state in ('waiting', 'leased', 'parked')
					and (older.sequence, older.id) < (d.sequence, d.id)
			)
		order by d.due_at, d.id
		limit case
			when p.connection is null then greatest(0, $4::integer - coalesce(b.count, 0))
			when r.connection is not null then 1
			else 0 end
	) o
), due as (
	select d.id, d.connection
	from delivery d
	where d.id = any(array(select id from heads)) and d.state in ('waiting', 'leased') and d.due_at <= $1
	order by d.due_at
	limit $3
	for update of d skip locked
), claimed as (
	update delivery_pause p set until = $2, probe = d.id
	from due d
	where p.connection = d.connection and p.connection in (select connection from probes)
)
update delivery d
set state = 'leased', attempts = d.attempts + 1, due_at = $2, lease_until = $2
from due
where d.id = due.id
returning d.*
