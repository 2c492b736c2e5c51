-- entry.sql: every entry of a lead into a stage in the period, with its one fate by as_of. It is credited to who owned
-- the lead then, or, for a lead that came without an owner, to the first it was given to while it was there.
select v.lead_id, v.funnel, v.stage, coalesce(v.owner_id, o.employee_id) as owner_id,
	case
		when v.left_at is null or v.left_at > @as_of then 'here'
		when v.fate in ('advanced', 'won') then 'advanced'
		when v.fate in ('lost', 'junk') then 'lost'
		else v.fate
	end as fate,
	not exists (
		select from report_visit earlier
		where earlier.lead_id = v.lead_id and earlier.funnel = v.funnel and earlier.stage = v.stage and earlier.no < v.no
	) as first
from report_visit v
left join lateral (
	select a.employee_id from report_assignment a
	where a.lead_id = v.lead_id and a.employee_id is not null
		and a.at >= v.entered_at and a.at <= coalesce(v.left_at, @as_of) and a.at <= @as_of
	order by a.at, a.id
	limit 1
) o on v.owner_id is null
where v.entered_at >= @from and v.entered_at < @to and v.entered_at <= @as_of
