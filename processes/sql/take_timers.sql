-- take_timers.sql: timers that are due, the longest overdue first. Others skip them while we fire them.
select t.instance_id, t.no, t.subject, t.due_at, t.attempts
from timer t
where t.due_at <= @now
order by t.due_at
limit @limit
for update skip locked;
