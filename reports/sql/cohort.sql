-- cohort.sql: the leads received in the period, with the stages they had visited by as_of and the owner they had then.
select l.lead_id, coalesce(p.funnel, l.funnel) as funnel, coalesce(p.stage, '') as stage, o.employee_id as owner_id,
	coalesce(p.stages, '{}') as stages, coalesce(p.furthest, -1) as furthest
from report_lead l
left join lateral (
	select v.funnel, (array_agg(v.stage order by v.no desc))[1] as stage, array_agg(v.stage) as stages, max(v.position) as furthest
	from report_visit v
	where v.lead_id = l.lead_id and v.entered_at <= @as_of
	group by v.funnel
	order by max(v.no) desc
	limit 1
) p on true
left join lateral (
	select a.employee_id from report_assignment a
	where a.lead_id = l.lead_id and a.at <= @as_of
	order by a.at desc, a.id desc
	limit 1
) o on true
where l.received_at >= @from and l.received_at < @to and l.received_at <= @as_of
