-- live_calls.sql: the calls at an extension, with the person behind the number and the open lead that is theirs, the one
-- something happened to last.
select c.id, c.connection, c.state, c.direction, c.number, c.dialled, c.extensions, c.since, c.shown_until, c.filed_at is not null,
	coalesce(k.id, 0), coalesce(k.name, ''), coalesce(k.not_client, false), coalesce(f.name, ''), coalesce(o.id, q.lead_id, 0)
from call c
left join contact_point p on p.kind = 'phone' and p.value = c.number
left join contact k on k.id = p.contact_id
left join inquiry q on q.id = c.inquiry_id
left join lateral (
	select l.id, l.client_id from lead l
	where l.status = 'open' and (l.contact_id = p.contact_id or p.contact_id is null and l.client_id = p.client_id)
	order by l.last_activity_at desc, l.id desc limit 1
) o on true
left join lateral (
	select n.name from client n
	where n.id = coalesce(p.client_id, o.client_id, (select min(m.client_id) from contact_client m where m.contact_id = k.id))
) f on true
where c.state <> 'over' and c.extensions @> array[@extension::text] and c.shown_until > @now::timestamptz
order by c.since desc, c.id desc
limit 5;
