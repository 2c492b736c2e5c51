-- amend_calls.sql: filed calls of which more is known now. The interaction tells what happened in the end, and an answer to
-- the client counts from when it was given.
with t as materialized (
	select * from unnest(@ids::text[], @directions::text[], @answered::boolean[], @seconds::integer[], @extensions::text[], @calls::text[])
		as t (id, direction, answered, seconds, extension, call)
), told as (
	update inquiry i set details = i.details || jsonb_build_object('call', t.call::jsonb, 'direction', t.direction)
	from t where i.id = t.id
	returning i.id, i.lead_id, i.contact_id
), interacted as (
	update interaction x set direction = t.direction, answered = t.answered, seconds = t.seconds,
		employee_id = coalesce(case when t.extension <> '' then (select min(e.id) from employee e where e.extension = t.extension and e.disabled_at is null) end, x.employee_id)
	from t where x.inquiry_id = t.id and x.kind = 'call'
	returning x.lead_id, x.at, x.answered and x.human and (x.direction = 'out' or x.employee_id is not null) as response
), responded as (
	update lead l set first_response_at = least(l.first_response_at, r.at)
	from (select lead_id, min(at) as at from interacted where response and lead_id is not null group by lead_id) r
	where l.id = r.lead_id and (l.first_response_at is null or l.first_response_at > r.at) and r.at >= l.created_at - interval '1 minute'
)
select id, coalesce(lead_id, 0), coalesce(contact_id, 0) from told;
