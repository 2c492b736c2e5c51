-- timeline_inquiries.sql: the inquiries of a lead, and who of us took each.
select {inquiry}, coalesce(x.employee_id, 0), coalesce(e.name, '')
from inquiry i
left join interaction x on x.lead_id = i.lead_id and x.inquiry_id = i.id
left join employee e on e.id = x.employee_id
where i.lead_id = @lead;
