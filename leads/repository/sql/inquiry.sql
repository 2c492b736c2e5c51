-- inquiry.sql: one inquiry and what became of it.
select {inquiry}, i.filed_at, coalesce(i.lead_id, 0), coalesce(i.contact_id, 0), i.repeats, i.reason, i.fault, i.attempts,
	(select count(*) from inquiry_conflict c where c.inquiry_id = i.id), exists (select from inquiry_raw r where r.inquiry_id = i.id)
from inquiry i
where i.id = @id;
