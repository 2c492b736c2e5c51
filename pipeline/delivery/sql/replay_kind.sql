-- replay_kind.sql: try the oldest $4 parked rows of one kind again from the start.
update delivery set state = 'waiting', attempts = 0, due_at = $1
where id in (
	select id from delivery
	where state = 'parked' and connection = $2 and kind = $3
	order by id
	limit $4
	for update skip locked
) and state = 'parked'
