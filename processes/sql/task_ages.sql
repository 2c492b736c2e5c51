-- task_ages.sql: open tasks by role: all, overdue, with nobody to do them, and since when the oldest waits.
select role, count(*)::float8, (count(*) filter (where due_at < @now))::float8, (count(*) filter (where hung))::float8, min(created_at)
from task
where status = 'open'
group by role;
