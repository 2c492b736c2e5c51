-- lead_rows.sql: what the list of leads shows of each, as of as_of. It follows "with ids as (...)".
, place as (
	select l.*, coalesce(p.funnel, l.funnel) as funnel_then, coalesce(p.funnel || '/' || p.stage, '') as stage_then, o.employee_id,
		c.kind, c.at as close_at, c.amount as close_amount, c.reason, c.comment
	from ids
	join report_lead l on l.lead_id = ids.lead_id
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
	left join lateral (
		select k.kind, k.at, k.amount, k.reason, k.comment from report_close k
		where k.lead_id = l.lead_id and k.at <= @as_of
		order by k.at desc, k.id desc
		limit 1
	) c on true
)
select p.lead_id, p.title, p.received_at, p.funnel_then, p.stage_then,
	case when p.kind is null or p.kind = 'reopened' then 'open' else p.kind end,
	case when p.kind in ('won', 'lost', 'junk') then coalesce(p.close_amount, w.amount) else w.amount end::text,
	p.currency, coalesce(cl.name, ''), coalesce(cl.inn, ''), coalesce(co.name, ''), coalesce(pt.phones, ''), coalesce(pt.emails, ''),
	coalesce(e.login, ''), coalesce(e.team, ''), p.source, p.channel, p.connection, p.product, p.city,
	coalesce(p.utm->>'source', ''), coalesce(p.utm->>'medium', ''), coalesce(p.utm->>'campaign', ''),
	p.repeat, case when p.first_response_at <= @as_of then p.first_response_at end,
	case when p.kind <> 'reopened' then p.close_at end,
	case when p.kind in ('lost', 'junk') then coalesce(p.reason, '') else '' end,
	case when p.kind in ('lost', 'junk') then coalesce(p.comment, '') else '' end
from place p
left join report_client cl on cl.client_id = p.client_id
left join report_contact co on co.contact_id = p.contact_id
left join report_employee e on e.employee_id = p.employee_id
left join lateral (
	select a.amount from report_amount a
	where a.lead_id = p.lead_id and a.at <= @as_of
	order by a.at desc
	limit 1
) w on true
left join lateral (
	select string_agg(value, ', ' order by value) filter (where kind = 'phone') as phones,
		string_agg(value, ', ' order by value) filter (where kind = 'email') as emails
	from report_contact_point
	where contact_id = p.contact_id
) pt on true
order by p.received_at, p.lead_id
