-- insert.sql: spool events of one topic; ids follow the order given.
insert into spool (topic, lane, spooled_at, envelope, data)
select $1, e.lane, $2, e.envelope, e.data
from unnest($3::smallint[], $4::bytea[], $5::bytea[]) with ordinality as e (lane, envelope, data, position)
order by e.position
