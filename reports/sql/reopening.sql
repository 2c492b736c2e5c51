-- reopening.sql: every reopening of a closed lead in the period, in the funnel it was closed in.
select c.lead_id, coalesce(p.funnel, l.funnel) as funnel, c.stage, c.owner_id
from report_close c
join report_lead l using (lead_id)
left join lateral (
	select v.funnel from report_visit v
	where v.lead_id = c.lead_id and v.entered_at < c.at
	order by v.no desc
	limit 1
) p on true
where c.at >= @from and c.at < @to and c.at <= @as_of and c.kind = 'reopened'
