-- open_leads_at.sql: the open leads of whoever has these numbers, and who answers for each, the one something happened to last first.
select p.value, l.id, coalesce(l.owner_id, 0)
from contact_point p
join lead l on l.contact_id = p.contact_id and l.status = 'open' and not l.test
where p.kind = 'phone' and p.value = any(@phones::text[])
order by l.last_activity_at desc, l.id desc;
