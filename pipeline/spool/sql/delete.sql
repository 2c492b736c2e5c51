-- delete.sql: take out exactly the rows that were handled. Never "up to id N":
-- a transaction that commits late leaves rows with lower ids.
delete from spool s
using unnest($2::smallint[], $3::bigint[]) as h (lane, id)
where s.topic = $1 and s.lane = h.lane and s.id = h.id
