-- conflicts.sql: what came under the ids of inquiries with other content, of one inquiry or of all of a lead.
select c.inquiry_id, c.received_at, c.data
from inquiry_conflict c
join inquiry i on i.id = c.inquiry_id
where case when @id <> '' then i.id = @id else i.lead_id = @lead end
order by c.id;
