-- lock_instances.sql: all that runs about some subjects, roots first. The subjects are locked already, so the order
-- matters only to somebody who comes without one.
select i.id, i.definition_id, i.root_id, coalesce(i.parent_id, 0), coalesce(i.parent_token, 0), i.subject, i.snapshot,
	i.revision, i.started_at, i.ended_at
from process_instance i
where i.subject = any(@subjects) and i.ended_at is null
order by i.root_id <> i.id, i.id
for update;
