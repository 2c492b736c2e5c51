-- change_instances.sql: instances that have moved.
update process_instance i
set state = n.state, snapshot = n.snapshot::json, revision = n.revision, ended_at = n.ended_at
from unnest(@ids::bigint[], @states::text[], @snapshots::text[], @revisions::int[], @ended::timestamptz[])
	as n (id, state, snapshot, revision, ended_at)
where i.id = n.id;
