-- scope.sql: what belongs to one person: the contact and all that were merged with it, a private client that is nobody else's,
-- their leads with all that hangs on them, calls from their numbers, and messages nobody understood in which a phone or an e-mail
-- of theirs stands.
with recursive named as (
	select id from contact where id = @contact
	union
	select contact_id from contact_point
	where contact_id is not null and (kind = 'phone' and value = @phone::text or kind = 'email' and value = @email::text)
), together as (
	select id from named
	union
	select other.id
	from together t
	cross join lateral (
		select merged_into as id from contact where id = t.id and merged_into is not null
		union all
		select id from contact where merged_into = t.id
	) other
), points as (
	select value from contact_point where contact_id in (select id from together)
	union
	select given.value from (values (@phone::text), (@email::text)) as given (value) where given.value <> ''
), persons as (
	select c.id from client c
	where c.kind = 'person' and exists (select from contact_client k where k.client_id = c.id and k.contact_id in (select id from together))
		and not exists (select from contact_client k where k.client_id = c.id and k.contact_id not in (select id from together))
), theirs as (
	select id, status from lead where contact_id in (select id from together)
	union
	select id, status from lead where client_id in (select id from persons)
), unread as (
	select i.id from inquiry i
	join inquiry_raw w on w.inquiry_id = i.id
	where i.contact_id is null and i.state in ('dead', 'discarded', 'spam') and (
		@email::text <> '' and position(convert_to(@email::text, 'UTF8') in w.data) > 0
		or length(@digits::text) >= 10 and regexp_replace(encode(w.data, 'escape'), '\D', '', 'g') like '%' || @digits::text || '%')
), inquiries as (
	select id from inquiry where contact_id in (select id from together)
	union
	select id from inquiry where lead_id in (select id from theirs)
	union
	select id from unread
), calls as (
	select id from call where number in (select value from points)
	union
	select id from call where inquiry_id in (select id from inquiries)
), instances as (
	select id from process_instance where subject in (select id from theirs)
)
select
	(select coalesce(array_agg(id), '{}') from together),
	(select coalesce(array_agg(id), '{}') from persons),
	(select coalesce(array_agg(id), '{}') from theirs),
	(select coalesce(array_agg(id), '{}') from theirs where status = 'open'),
	(select coalesce(array_agg(id), '{}') from inquiries),
	(select coalesce(array_agg(id), '{}') from calls),
	(select coalesce(array_agg(event_id), '{}') from call_event where call_id in (select id from calls)),
	(select coalesce(array_agg(id), '{}') from instances),
	(select coalesce(array_agg(id), '{}') from task where subject in (select id from theirs)),
	(select coalesce(array_agg(value), '{}') from points);
