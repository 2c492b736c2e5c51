-- entry.sql: every entry of a lead into a stage in the period, with its one fate by as_of.
select v.lead_id, v.funnel, v.stage, v.owner_id,
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
where v.entered_at >= @from and v.entered_at < @to and v.entered_at <= @as_of
