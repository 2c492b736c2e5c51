-- add_conflicts.sql: conflicts as they are settled; only those that were not noted before come back.
insert into exchange_conflict (connection, kind, object_id, lead_id, ref, field, version, ours, theirs, kept, rule, at)
select @connection, @kind, @id, nullif(@lead::bigint, 0), @ref, t.field, @version, t.ours, t.theirs, t.kept, t.rule, @now
from unnest(@fields::text[], @ours::text[], @theirs::text[], @kept::text[], @rules::text[]) as t (field, ours, theirs, kept, rule)
on conflict (connection, kind, ref, field, version, ours) do nothing
returning field;
