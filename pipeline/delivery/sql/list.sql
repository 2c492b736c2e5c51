-- list.sql: rows for people, newest first, before id $5 (0: from the newest).
select * from delivery
where ($1 = '' or state = $1) and ($2 = '' or connection = $2) and ($3::bigint = 0 or lead_id = $3)
	and ($5::bigint = 0 or id < $5)
order by id desc
limit $4
