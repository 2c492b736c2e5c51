-- add_call_events.sql: what events told of their calls, each once. Only the new ones come back.
insert into call_event (event_id, call_id, at, body_hash, data)
select event_id, call_id, at, body_hash, data::jsonb
from unnest(@ids::text[], @calls::bigint[], @times::timestamptz[], @hashes::bytea[], @data::text[]) as t (event_id, call_id, at, body_hash, data)
on conflict (event_id) do nothing
returning event_id;
