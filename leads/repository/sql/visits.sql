-- visits.sql: the way of a lead through its stages.
select no, funnel, stage, entered_at, left_at, coalesce(fate, ''), coalesce(entered_by, 0), coalesce(owner_then, 0)
from stage_visit
where lead_id = @lead
order by no;
