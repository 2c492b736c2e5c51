-- add_interaction.sql: one contact with the client of a lead, and what the lead knows by it.
with i as (
	insert into interaction (lead_id, contact_id, client_id, direction, kind, at, employee_id, human, answered, seconds, subject, text, inquiry_id, created_at)
	select l.id, coalesce(nullif(@contact::bigint, 0), l.contact_id), coalesce(nullif(@client::bigint, 0), l.client_id), @direction, @kind, @at::timestamptz,
		nullif(@employee::bigint, 0), @human, @answered, @seconds, @subject, @text, nullif(@inquiry::text, ''), @now::timestamptz
	from lead l where l.id = @lead
	returning id, lead_id
)
update lead l
set last_activity_at = greatest(l.last_activity_at, @at::timestamptz),
	first_response_at = case when @response::boolean then least(l.first_response_at, greatest(@at::timestamptz, l.created_at)) else l.first_response_at end
from i
where l.id = i.lead_id
returning i.id;
