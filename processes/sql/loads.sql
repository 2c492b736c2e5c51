-- loads.sql: how many open tasks each of some employees has.
select assignee_id, count(*)
from task
where status = 'open' and assignee_id = any(@employees)
group by assignee_id;
