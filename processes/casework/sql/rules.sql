-- rules.sql: the start rules in their order.
select id, name, condition, process, funnel, lane, enabled
from start_rule
order by position, id
