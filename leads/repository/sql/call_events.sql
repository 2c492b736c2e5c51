-- call_events.sql: all that was told of some calls, of one that never ends only so much of the latest.
select e.call_id, e.event_id, e.at, e.body_hash, e.data
from unnest(@calls::bigint[]) as c (id)
cross join lateral (select * from call_event where call_id = c.id order by at desc, event_id limit @most) e;
