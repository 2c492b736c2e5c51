-- change_tasks.sql: tasks that were worked, ended or given to somebody else.
update task t
set status = n.status, role = n.role, assignee_id = nullif(n.assignee, 0), hung = n.hung, done_at = n.done_at,
	done_by = nullif(n.done_by, 0), outcome = n.outcome, comment = n.comment, revision = n.revision, steps = n.steps::json
from unnest(@ids::bigint[], @statuses::text[], @roles::text[], @assignees::bigint[], @hung::bool[], @done_at::timestamptz[],
	@done_by::bigint[], @outcomes::text[], @comments::text[], @revisions::int[], @marks::text[])
	as n (id, status, role, assignee, hung, done_at, done_by, outcome, comment, revision, steps)
where t.id = n.id;
