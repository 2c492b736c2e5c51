-- dead_letter.sql: one of them.
select i.id, i.connection, i.channel, i.state, i.received_at, i.filed_at, i.vendor_id, i.reason, i.fault, i.attempts, i.repeats
from inquiry i
where i.id = @id and i.state in ('dead', 'discarded');
