-- closing.sql: leads closed in the period whose closing was still in force at as_of: a lead closed, reopened and closed
-- again counts once, where it was closed last. The stage is the one it was lost or won from.
select c.lead_id, coalesce(p.funnel, l.funnel) as funnel, coalesce(p.stage, c.stage) as stage, c.owner_id, c.kind, c.reason
from report_close c
join report_lead l using (lead_id)
left join lateral (
	select v.funnel, v.stage from report_visit v
	where v.lead_id = c.lead_id and v.entered_at <= c.at
	order by v.no desc
	limit 1
) p on true
where c.at >= @from and c.at < @to and c.at <= @as_of and c.kind <> 'reopened'
	and not exists (
		select from report_close later
		where later.lead_id = c.lead_id and later.at <= @as_of and (later.at, later.id) > (c.at, c.id)
	)
