-- closed_from.sql: the stages from which closed leads were closed last, and their funnels.
select distinct on (lead_id) lead_id, stage_then
from close_event
where lead_id = any(@leads::bigint[]) and kind <> 'reopened'
order by lead_id, id desc;
