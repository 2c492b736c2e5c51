-- enrich.sql: what is known as of as_of about the lead of each hit: who it is counted under, how it had ended by then and
-- what it was worth. Every relation the measures count over passes through here, so a filter means the same everywhere.
select h.*, l.received_at, l.source, l.channel, l.connection, l.product, l.city, l.currency,
	coalesce(e.login, '') as owner, coalesce(e.team, '') as team,
	case when c.kind is null or c.kind = 'reopened' then 'open' else c.kind end as outcome,
	case when c.kind <> 'reopened' then extract(epoch from c.at - l.received_at)::bigint end as cycle,
	case when l.currency <> @currency then null
		when c.kind in ('won', 'lost', 'junk') then coalesce(c.amount, w.amount)
		else w.amount
	end as amount,
	case when l.test then 'test' when c.kind = 'junk' then coalesce(r.excluded, '') else '' end as excluded,
	extract(epoch from @as_of - l.received_at)::bigint as age,
	coalesce(s.probability, 0) as probability
from hit h
join report_lead l on l.lead_id = h.lead_id
left join report_employee e on e.employee_id = h.owner_id
left join lateral (
	select k.kind, k.at, k.amount, k.reason from report_close k
	where k.lead_id = h.lead_id and k.at <= @as_of
	order by k.at desc, k.id desc
	limit 1
) c on true
left join lateral (
	select a.amount from report_amount a
	where a.lead_id = h.lead_id and a.at <= @as_of
	order by a.at desc
	limit 1
) w on true
left join report_reason r on r.reason = c.reason
left join report_step s on s.funnel = h.funnel and s.stage = h.stage
