-- change_tasks.sql: tasks that were worked, ended, given to somebody else or say something else now.
update task t
set status = n.status, role = n.role, assignee_id = nullif(n.assignee, 0), hung = n.hung, hint = n.hint, priority = n.priority, done_at = n.done_at,
	done_by = nullif(n.done_by, 0), outcome = n.outcome, comment = n.comment, revision = n.revision, steps = n.steps::json
from unnest(@ids::bigint[], @statuses::text[], @roles::text[], @assignees::bigint[], @hung::bool[], @hints::text[], @priorities::int[], @done_at::timestamptz[],
	@done_by::bigint[], @outcomes::text[], @comments::text[], @revisions::int[], @marks::text[])
	as n (id, status, role, assignee, hung, hint, priority, done_at, done_by, outcome, comment, revision, steps)
where t.id = n.id;
