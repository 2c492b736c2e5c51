-- climb.sql: each lead of the cohort against each step of its funnel. A won lead has reached all steps; any other only
-- those up to the furthest stage it truly entered.
select c.lead_id, c.funnel, s.stage, c.owner, c.team, c.source, c.channel, c.connection, c.product, c.city, c.excluded, c.outcome,
	c.outcome = 'won' or c.furthest >= s.position as reached,
	case s.stage when '+won' then c.outcome = 'won' else s.stage = any(c.stages) end as passed,
	c.stage = s.stage as last
from kept c
join report_step s on s.funnel = c.funnel
