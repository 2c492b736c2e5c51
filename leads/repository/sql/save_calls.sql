-- save_calls.sql: calls as they stand now. Their rows are locked.
update call c
set state = t.state, direction = t.direction, number = t.number, dialled = t.dialled, extensions = string_to_array(t.extensions, E'\n'),
	since = t.since, shown_until = t.shown_until, inquiry = nullif(t.inquiry, '')::jsonb, due_at = t.due_at, filed_at = t.filed_at,
	filed = nullif(t.filed, '')::jsonb
from unnest(@ids::bigint[], @states::text[], @directions::text[], @numbers::text[], @dialled::text[], @extensions::text[], @since::timestamptz[],
	@until::timestamptz[], @inquiries::text[], @due::timestamptz[], @filed_at::timestamptz[], @filed::text[])
	as t (id, state, direction, number, dialled, extensions, since, shown_until, inquiry, due_at, filed_at, filed)
where c.id = t.id;
