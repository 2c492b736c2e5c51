-- correspondence.sql: to whom a letter about a lead goes and what it answers: the letters that came, the newest first.
with came as (
	select i.vendor_id, i.subject, i.received_at, i.details
	from inquiry i
	where i.lead_id = @lead and i.channel = 'mail' and i.state = 'filed'
		and coalesce(i.details->>'direction', 'in') = 'in' and not coalesce((i.details->>'automatic')::boolean, false)
	order by i.received_at desc
	limit 10
)
select coalesce(c.name, ''),
	coalesce(
		(select p->>'value' from came, jsonb_array_elements(coalesce(came.details->'points', '[]')) p
			where p->>'kind' = 'email' order by came.received_at desc limit 1),
		(select p.value from contact_point p where p.contact_id = l.contact_id and p.kind = 'email' order by p.created_at desc, p.value limit 1),
		''),
	coalesce((select subject from came order by received_at desc limit 1), ''),
	array(select vendor_id from came where vendor_id <> '' order by received_at desc)
from lead l
left join contact c on c.id = l.contact_id
where l.id = @lead;
