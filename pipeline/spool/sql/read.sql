-- read.sql: the oldest rows of the lanes $2 of topic $1, $3 of each at most and
-- $4 in all, up to $5 bytes but at least one row.
with head as (
	select s.*
	from unnest($2::smallint[]) as l (lane)
	cross join lateral (
		select s.ctid as place, s.lane, s.id, s.envelope, s.data
		from spool s
		where s.topic = $1 and s.lane = l.lane
		order by s.id
		limit $3
	) s
), sized as (
	select h.*, sum(octet_length(envelope) + octet_length(data)) over (order by id) - octet_length(envelope) - octet_length(data) as before
	from head h
)
select place, lane, id, envelope, data from sized where before < $5 order by id limit $4
