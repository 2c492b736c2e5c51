-- add_notices.sql: what the system tells people. In the order they were told. A ringing telephone or a task that is gone is not read about later.
insert into notice (employee_id, at, kind, lead_id, task_id, text, read_at)
select employee, @at, kind, lead, task, text, case when kind in ('call', 'gone') then @at::timestamptz end
from unnest(@employees::bigint[], @kinds::text[], @leads::bigint[], @tasks::bigint[], @texts::text[])
	with ordinality as told (employee, kind, lead, task, text, no)
order by no
