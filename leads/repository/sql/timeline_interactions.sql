-- timeline_interactions.sql: the contacts with the client that were no inquiry.
select x.id, coalesce(x.lead_id, 0), coalesce(x.contact_id, 0), coalesce(x.client_id, 0), x.direction, x.kind, x.at, coalesce(x.employee_id, 0),
	not x.human, not x.answered, x.seconds, x.subject, x.text, coalesce(e.name, '')
from interaction x
left join employee e on e.id = x.employee_id
where x.lead_id = @lead and x.inquiry_id is null;
