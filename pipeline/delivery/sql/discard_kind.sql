-- discard_kind.sql: give the oldest $4 parked rows of one kind up, for reason $5.
update delivery set state = 'discarded', done_at = $1, last_error = $5
where id in (
	select id from delivery
	where state = 'parked' and connection = $2 and kind = $3
	order by id
	limit $4
	for update skip locked
) and state = 'parked'
returning *
