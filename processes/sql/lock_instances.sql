-- lock_instances.sql: some instances with all that runs under the same roots, the roots first. Their subjects are locked
-- already, so the order matters only to somebody who comes without one.
select i.id, i.definition_id, i.root_id, coalesce(i.parent_id, 0), coalesce(i.parent_token, 0), i.subject, i.snapshot,
	i.revision, i.started_at, i.ended_at
from process_instance i
where i.id = any(array(select known.root_id from process_instance known where known.id = any(@instances)))
	or (i.root_id = any(array(select known.root_id from process_instance known where known.id = any(@instances)))
		and i.root_id <> i.id and i.ended_at is null)
order by i.root_id <> i.id, i.id
for update;
