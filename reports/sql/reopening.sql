-- reopening.sql: every reopening of a closed lead in the period.
select c.lead_id, l.funnel, c.stage, c.owner_id
from report_close c
join report_lead l using (lead_id)
where c.at >= @from and c.at < @to and c.at <= @as_of and c.kind = 'reopened'
