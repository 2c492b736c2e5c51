-- recent_inquiries.sql: the latest inquiries that were filed under a lead, and whether their client was known then.
select {inquiry}, l.repeat or l.created_at < i.received_at
from inquiry i
join lead l on l.id = i.lead_id
where i.state = 'filed'
order by i.received_at desc, i.id desc
limit @limit;
