-- open_tasks.sql: the open tasks of some instances and of all that runs under the same roots, and one task more, whatever
-- its state.
select t.id, t.instance_id, t.no, t.subject, t.process, t.element, t.title, t.title_en, t.hint, t.hint_en, t.role,
	coalesce(t.assignee_id, 0), t.hung, t.priority, t.created_at, t.start_by, t.warn_at, t.due_at, t.status, t.done_at,
	coalesce(t.done_by, 0), t.outcome, t.comment, t.revision, t.steps
from task t
where t.id = @task or (t.status = 'open' and t.instance_id = any(array(
	select i.id
	from process_instance i
	where i.id = any(@instances)
		or i.id = any(array(select known.root_id from process_instance known where known.id = any(@instances)))
		or (i.root_id = any(array(select known.root_id from process_instance known where known.id = any(@instances))) and i.root_id <> i.id)
)));
