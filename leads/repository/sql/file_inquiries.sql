-- file_inquiries.sql: file each inquiry with the interaction it was. Its id is unique: who files the same one at the same
-- time gets a unique violation, and finds it filed when they try again. A spam inquiry, without a kind, was no interaction.
with t as materialized (
	select * from unnest(@ids::text[], @connections::text[], @channels::text[], @states::text[], @times::timestamptz[], @leads::bigint[],
		@contacts::bigint[], @clients::bigint[], @vendor_ids::text[], @hashes::bytea[], @subjects::text[], @texts::text[], @fields::text[],
		@details::text[], @files::text[], @traces::text[], @repeats::integer[], @kinds::text[], @directions::text[], @humans::boolean[], @answered::boolean[],
		@seconds::integer[], @extensions::text[])
		as t (id, connection, channel, state, received_at, lead_id, contact_id, client_id, vendor_id, body_hash, subject, text, fields, details,
			files, trace, repeats, kind, direction, human, answered, seconds, extension)
), filed as (
	insert into inquiry (id, connection, channel, state, received_at, filed_at, lead_id, contact_id, vendor_id, body_hash, subject, text,
		fields, details, files, trace, repeats)
	select id, connection, channel, state, received_at, @now::timestamptz, nullif(lead_id, 0), nullif(contact_id, 0), vendor_id, body_hash, subject, text,
		fields::jsonb, details::jsonb, files::jsonb, trace, repeats
	from t
)
insert into interaction (lead_id, contact_id, client_id, direction, kind, at, employee_id, human, answered, seconds, inquiry_id, created_at)
select nullif(lead_id, 0), nullif(contact_id, 0), nullif(client_id, 0), direction, kind, received_at,
	case when extension <> '' then (select min(e.id) from employee e where e.extension = t.extension and e.disabled_at is null) end,
	human, answered, seconds, id, @now::timestamptz
from t
where kind <> '';
