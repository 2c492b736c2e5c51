-- inquiry_of_event.sql: the inquiry that the call of an event became, or will become.
select c.inquiry_id from call_event e join call c on c.id = e.call_id where e.event_id = @id;
