-- notices.sql: the latest notices of a person.
select id, employee_id, at, kind, lead_id, task_id, text, read_at
from notice
where employee_id = @employee and kind not in ('call', 'gone')
order by id desc
limit @limit
