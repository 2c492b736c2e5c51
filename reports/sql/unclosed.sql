-- unclosed.sql: leads that could have been open at as_of; whether they were, their closings tell (outcome). It knows
-- nothing of stage visits, so that the snapshot can be checked against it.
select l.lead_id, coalesce(p.funnel, l.funnel) as funnel, coalesce(p.stage, '') as stage, o.employee_id as owner_id
from report_lead l
left join lateral (
	select v.funnel, v.stage from report_visit v
	where v.lead_id = l.lead_id and v.entered_at <= @as_of
	order by v.no desc
	limit 1
) p on true
left join lateral (
	select a.employee_id from report_assignment a
	where a.lead_id = l.lead_id and a.at <= @as_of
	order by a.at desc, a.id desc
	limit 1
) o on true
where l.received_at <= @as_of and (l.closed_at is null or l.closed_at > @as_of)
