-- tasks.sql: tasks in the order in which they are worked: open ones by when they are due, ended ones by when they ended,
-- newest first. The cursor is the last row of the page before.
select t.id, t.instance_id, t.no, t.subject, t.process, t.element, t.title, t.title_en, t.hint, t.hint_en, t.role,
	coalesce(t.assignee_id, 0), t.hung, t.priority, t.created_at, t.start_by, t.warn_at, t.due_at, t.status, t.done_at,
	coalesce(t.done_by, 0), t.outcome, t.comment, t.revision, t.steps, i.definition_id, i.snapshot
from task t
join process_instance i on i.id = t.instance_id
where (@id = 0 or t.id = @id)
	and (@status = '' or t.status = @status)
	and (@assignee = 0 or t.assignee_id = @assignee)
	and (not @unassigned or t.assignee_id is null)
	and (@roles::text[] is null or t.role = any(@roles::text[]))
	and (@subject = 0 or t.subject = @subject)
	and (@instance = 0 or t.instance_id = @instance)
	and (@process = '' or t.process = @process)
	and (@element = '' or t.element = @element)
	and (not @hung or t.hung)
	and (@overdue::timestamptz is null or (t.due_at < @overdue::timestamptz and t.status = 'open'))
	and (@after_id = 0 or case when @status = 'open'
		then (coalesce(t.due_at, 'infinity'), t.id) > (@after_at::text::timestamptz, @after_id::bigint)
		else (coalesce(t.done_at, t.created_at), t.id) < (@after_at::text::timestamptz, @after_id::bigint) end)
order by
	case when @status = 'open' then coalesce(t.due_at, 'infinity') end,
	case when @status <> 'open' then coalesce(t.done_at, t.created_at) end desc,
	case when @status = 'open' then t.id else -t.id end
limit @limit;
