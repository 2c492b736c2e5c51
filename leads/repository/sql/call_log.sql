-- call_log.sql: a page of calls, the latest first, with who was at both ends. The conditions come from call_log.go.
select x.id, x.at, x.direction, not x.answered, x.seconds, coalesce(l.id, 0), coalesce(l.title, ''), coalesce(k.name, ''), coalesce(c.name, ''),
	coalesce((select p ->> 'value' from jsonb_array_elements(q.details -> 'points') p where p ->> 'kind' = 'phone' limit 1),
		(select value from contact_point where contact_id = x.contact_id and kind = 'phone' order by created_at, value limit 1), ''),
	coalesce(q.details -> 'call' ->> 'dialled', ''), coalesce(e.name, '')
from interaction x
left join lead l on l.id = x.lead_id
left join inquiry q on q.id = x.inquiry_id
left join contact k on k.id = x.contact_id
left join client c on c.id = coalesce(x.client_id, l.client_id)
left join employee e on e.id = x.employee_id
where x.kind = 'call' and {where}
order by x.at desc, x.id desc
limit @limit;
