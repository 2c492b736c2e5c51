-- file_dead.sql: inquiries that could not be understood or stored, in the order of their ids. One that was dead already keeps
-- the latest reason; one that was filed before stays filed, and this was a repeat of it.
insert into inquiry as i (id, connection, channel, state, received_at, filed_at, vendor_id, body_hash, trace, reason, fault, attempts)
select t.id, t.connection, t.channel, 'dead', t.received_at, @now::timestamptz, t.vendor_id, t.body_hash, t.trace, t.reason, t.fault, 1
from unnest(@ids::text[], @connections::text[], @channels::text[], @times::timestamptz[], @vendor_ids::text[], @hashes::bytea[], @traces::text[],
	@reasons::text[], @faults::text[])
	as t (id, connection, channel, received_at, vendor_id, body_hash, trace, reason, fault)
on conflict (id) do update set
	reason = case i.state when 'dead' then excluded.reason else i.reason end,
	fault = case i.state when 'dead' then excluded.fault else i.fault end,
	attempts = i.attempts + case i.state when 'dead' then 1 else 0 end,
	repeats = i.repeats + case i.state when 'dead' then 0 else 1 end;
