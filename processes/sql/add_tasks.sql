-- add_tasks.sql: tasks that appear before somebody.
insert into task (id, instance_id, no, subject, process, element, title, title_en, hint, hint_en, role, assignee_id, hung, priority,
	created_at, start_by, warn_at, due_at, status, done_at, done_by, outcome, comment, revision, steps)
select id, instance_id, no, subject, process, element, title, title_en, hint, hint_en, role, nullif(assignee, 0), hung, priority,
	created_at, start_by, warn_at, due_at, status, done_at, nullif(done_by, 0), outcome, comment, revision, steps::json
from unnest(@ids::bigint[], @instances::bigint[], @nos::int[], @subjects::bigint[], @processes::text[], @elements::text[],
	@titles::text[], @titles_en::text[], @hints::text[], @hints_en::text[], @roles::text[], @assignees::bigint[], @hung::bool[],
	@priorities::int[], @created::timestamptz[], @start_by::timestamptz[], @warn_at::timestamptz[], @due_at::timestamptz[],
	@statuses::text[], @done_at::timestamptz[], @done_by::bigint[], @outcomes::text[], @comments::text[], @revisions::int[], @marks::text[])
	as n (id, instance_id, no, subject, process, element, title, title_en, hint, hint_en, role, assignee, hung, priority,
		created_at, start_by, warn_at, due_at, status, done_at, done_by, outcome, comment, revision, steps);
