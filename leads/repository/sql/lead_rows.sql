-- lead_rows.sql: a page of leads, the newest first, with the names a list shows. The conditions come from lead_filter.go.
select {lead}, coalesce(k.name, ''), coalesce(c.name, ''), coalesce(e.login, ''), coalesce(e.name, ''),
	coalesce((select value from contact_point where contact_id = l.contact_id and kind = 'phone' order by created_at, value limit 1), ''),
	coalesce((select value from contact_point where contact_id = l.contact_id and kind = 'email' order by created_at, value limit 1), '')
from lead l
left join client k on k.id = l.client_id
left join contact c on c.id = l.contact_id
left join employee e on e.id = l.owner_id
where {where}
order by l.created_at desc, l.id desc
limit @limit;
