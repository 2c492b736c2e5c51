-- hasten.sql: the other side answers again: what waits for a kind is due now, and the attempts made while it was away do not count.
update delivery set due_at = $1, attempts = 0
where id in (
	select id from delivery
	where connection = $2 and kind = $3 and state = 'waiting' and due_at > $1
	order by id
	for update skip locked
)
