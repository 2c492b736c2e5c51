-- dead_letters.sql: what nobody could understand yet, the newest first, from a place in the list on.
select i.id, i.connection, i.channel, i.state, i.received_at, i.filed_at, i.vendor_id, i.reason, i.fault, i.attempts, i.repeats
from inquiry i
where i.state = @state
	and (@connection = '' or i.connection = @connection)
	and (@after_id = '' or (i.received_at, i.id) < (@after_at::timestamptz, @after_id))
order by i.received_at desc, i.id desc
limit @limit;
