-- standing.sql: the visits that were going on at as_of: where each open lead stood.
select v.lead_id, v.funnel, v.stage, o.employee_id as owner_id, extract(epoch from @as_of - v.entered_at)::bigint as stage_age
from report_visit v
left join lateral (
	select a.employee_id from report_assignment a
	where a.lead_id = v.lead_id and a.at <= @as_of
	order by a.at desc, a.id desc
	limit 1
) o on true
where v.entered_at <= @as_of and (v.left_at is null or v.left_at > @as_of)
