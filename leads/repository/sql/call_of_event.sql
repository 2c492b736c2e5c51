-- call_of_event.sql: the call that an event is of, or that is to become an inquiry, and whether it is thought to concern a client.
select c.connection, c.first_at, c.inquiry is not null
from call c
where c.inquiry_id = @id or c.id = (select e.call_id from call_event e where e.event_id = @id)
limit 1;
