-- enqueue.sql: what has to go out. A key that is there already changes nothing.
insert into delivery (connection, kind, object, sequence, payload, idempotency_key, instance_id, token, lead_id, due_at, created_at, state, last_error)
select d.connection, d.kind, d.object, d.sequence, d.payload, d.idempotency_key,
	nullif(d.instance_id, 0), case when d.instance_id <> 0 then d.token end, nullif(d.lead_id, 0), d.due_at, $1,
	case when d.parked = '' then 'waiting' else 'parked' end, d.parked
from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::jsonb[], $7::text[], $8::bigint[], $9::integer[], $10::bigint[], $11::timestamptz[], $12::text[])
	with ordinality as d (connection, kind, object, sequence, payload, idempotency_key, instance_id, token, lead_id, due_at, parked, position)
order by d.position
on conflict (idempotency_key) do nothing
