-- add_notices.sql: what the system tells people. In the order they were told.
insert into notice (employee_id, at, kind, lead_id, task_id, text)
select employee, @at, kind, lead, task, text
from unnest(@employees::bigint[], @kinds::text[], @leads::bigint[], @tasks::bigint[], @texts::text[])
	with ordinality as told (employee, kind, lead, task, text, no)
order by no
