-- forget_calls.sql: what calls were put together from, past its retention. Their inquiries stay.
delete from call c
where c.first_at < @before and c.due_at is null
	and not exists (select from call_event e join inquiry_raw w on w.inquiry_id = e.event_id where e.call_id = c.id);
