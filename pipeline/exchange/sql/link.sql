-- link.sql: objects of ours that the other side shall hold, and that they have changed now.
insert into exchange_link (connection, kind, object_id, ref, changed_at, created_at)
select t.connection, t.kind, t.id, t.ref, @now, @now
from unnest(@connections::text[], @kinds::text[], @ids::bigint[], @refs::text[]) with ordinality as t (connection, kind, id, ref, position)
order by t.position
on conflict (connection, kind, object_id) where main do update set changed_at = excluded.changed_at;
