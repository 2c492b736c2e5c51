-- add_instances.sql: instances that begin.
insert into process_instance (id, definition_id, root_id, parent_id, parent_token, subject, state, snapshot, revision, started_at, ended_at)
select id, definition_id, root_id, nullif(parent_id, 0), nullif(parent_token, 0), subject, state, snapshot::json, revision, started_at, ended_at
from unnest(@ids::bigint[], @definitions::bigint[], @roots::bigint[], @parents::bigint[], @tokens::int[], @subjects::bigint[],
	@states::text[], @snapshots::text[], @revisions::int[], @started::timestamptz[], @ended::timestamptz[])
	as n (id, definition_id, root_id, parent_id, parent_token, subject, state, snapshot, revision, started_at, ended_at);
