-- count_open.sql: how many open tasks a person has, and how many of them are late.
select count(*), count(*) filter (where due_at < @now)
from task
where assignee_id = @assignee and status = 'open';
