-- reopen_events.sql: closings are taken back; the closing itself stays as it was.
insert into close_event (lead_id, kind, at, by, comment, amount, stage_then, owner_then)
select l.id, 'reopened', @now::timestamptz, nullif(t.by, 0), t.comment, l.amount, t.stage, l.owner_id
from unnest(@leads::bigint[], @stages::text[], @comments::text[], @by::bigint[]) as t (id, stage, comment, by)
join lead l on l.id = t.id;
