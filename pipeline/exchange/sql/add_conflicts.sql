-- add_conflicts.sql: conflicts as they are settled; only those come back that were not noted before, or were settled otherwise then: an
-- attempt that failed may know more when it is made again, such as when the other side's change was heard of.
insert into exchange_conflict as c (connection, kind, object_id, lead_id, ref, field, version, ours, theirs, kept, rule, at)
select @connection, @kind, @id, nullif(@lead::bigint, 0), @ref, t.field, @version, t.ours, t.theirs, t.kept, t.rule, @now
from unnest(@fields::text[], @ours::text[], @theirs::text[], @kept::text[], @rules::text[]) as t (field, ours, theirs, kept, rule)
on conflict (connection, kind, ref, field, version, ours) do update set kept = excluded.kept, rule = excluded.rule, at = excluded.at
where c.kept <> excluded.kept
returning field;
