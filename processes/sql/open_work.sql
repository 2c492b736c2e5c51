-- open_work.sql: the open tasks of some subjects that somebody has, with the route map each is of.
select t.subject, t.assignee_id, i.definition_id, t.element
from task t
join process_instance i on i.id = t.instance_id
where t.subject = any(@subjects::bigint[]) and t.status = 'open' and t.assignee_id is not null;
