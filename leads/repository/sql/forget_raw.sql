-- forget_raw.sql: raw copies past their retention. Dead inquiries keep theirs until somebody has dealt with them. The events
-- of a call are no inquiries of their own.
with gone as (
	delete from inquiry_raw
	where inquiry_id in (
		select w.inquiry_id
		from inquiry_raw w
		left join inquiry i on i.id = w.inquiry_id
		left join call_event e on e.event_id = w.inquiry_id
		where i.received_at < @before and i.state <> 'dead' or i.id is null and e.at < @before
		limit @limit)
	returning data_ref)
select data_ref from gone where data_ref <> ''
