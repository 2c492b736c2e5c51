-- merge_contacts.sql: all that one contact has goes to another, and it is written down what that was.
with points as (
	update contact_point set contact_id = @kept where contact_id = @gone returning kind, value
), moved_leads as (
	update lead set contact_id = @kept, version = version + 1 where contact_id = @gone returning id
), inquiries as (
	update inquiry set contact_id = @kept where contact_id = @gone returning id
), interactions as (
	update interaction set contact_id = @kept where contact_id = @gone returning id
), clients as (
	insert into contact_client (contact_id, client_id, position)
	select @kept, client_id, position from contact_client where contact_id = @gone
	on conflict do nothing
	returning client_id
), gone as (
	update contact set merged_into = @kept, version = version + 1 where id = @gone
), kept as (
	update contact k set name = case when k.name = '' then g.name else k.name end, version = k.version + 1
	from contact g where k.id = @kept and g.id = @gone
)
insert into contact_merge (kept_id, gone_id, at, by, moved)
select @kept, @gone, @now::timestamptz, nullif(@by::bigint, 0), jsonb_build_object(
	'points', (select coalesce(jsonb_agg(jsonb_build_array(kind, value)), '[]') from points),
	'clients', (select coalesce(jsonb_agg(client_id), '[]') from clients),
	'leads', (select coalesce(jsonb_agg(id), '[]') from moved_leads),
	'inquiries', (select coalesce(jsonb_agg(id), '[]') from inquiries),
	'interactions', (select coalesce(jsonb_agg(id), '[]') from interactions))
returning id;
