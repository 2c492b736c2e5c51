-- take_timer.sql: one timer, if it is still due and nobody else holds it.
select t.instance_id, t.no, t.subject, t.due_at, t.attempts
from timer t
where t.instance_id = @instance and t.no = @no and t.due_at <= @now
for update skip locked;
