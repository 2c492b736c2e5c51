-- open_tasks.sql: the open tasks about some subjects, and one task more, whatever its state.
select t.id, t.instance_id, t.no, t.subject, t.process, t.element, t.title, t.title_en, t.hint, t.hint_en, t.role,
	coalesce(t.assignee_id, 0), t.hung, t.priority, t.created_at, t.start_by, t.warn_at, t.due_at, t.status, t.done_at,
	coalesce(t.done_by, 0), t.outcome, t.comment, t.revision, t.steps
from task t
where t.subject = any(@subjects) and (t.status = 'open' or t.id = @task);
