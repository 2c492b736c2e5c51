-- instance_journal.sql: what each command did to an instance, in order.
select revision, at, coalesce(actor_id, 0), command, events
from process_journal
where instance_id = @instance
order by revision;
