-- lease.sql: take up to $3 rows that are due at $1 until $2: of each object only
-- the oldest open one, of each connection no more than $4 less what $5/$6 say is
-- in hand already. A lease that ran out is due again.
with busy as (
	select * from unnest($5::text[], $6::integer[]) as b (connection, count)
), ranked as materialized (
	select d.id, row_number() over (partition by d.connection order by d.due_at, d.id) + coalesce(b.count, 0) as place
	from (
		select o.id, o.connection, o.due_at
		from delivery o
		where o.state in ('waiting', 'leased') and o.due_at <= $1
			and not exists (select 1 from busy b where b.connection = o.connection and b.count >= $4)
			and not exists (
				select 1 from delivery older
				where older.connection = o.connection and older.object = o.object and older.object <> ''
					and older.state in ('waiting', 'leased', 'parked')
					and (older.sequence, older.id) < (o.sequence, o.id)
			)
		order by o.due_at
		limit 1000
	) d
	left join busy b using (connection)
), due as (
	select d.id
	from ranked r
	join delivery d using (id)
	where r.place <= $4 and d.state in ('waiting', 'leased') and d.due_at <= $1
	order by d.due_at
	limit $3
	for update of d skip locked
)
update delivery d
set state = 'leased', attempts = d.attempts + 1, due_at = $2, lease_until = $2
from due
where d.id = due.id
returning d.*
