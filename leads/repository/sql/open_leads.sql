-- open_leads.sql: new leads under ids taken beforehand, each with the first facts of its life: the visit to its first
-- stage, the assignment to its owner if it has one already, what it is thought to be worth, and a line in the journal.
with opened as (
	insert into lead (id, title, client_id, contact_id, funnel, stage, amount, currency, items, probability, owner_id, source, channel,
		connection, utm, repeat, test, product, city, fields, created_at, last_activity_at, first_response_at) overriding system value
	select id, title, nullif(client_id, 0), nullif(contact_id, 0), funnel, stage, nullif(amount, '')::numeric, currency, items::jsonb,
		probability, nullif(owner_id, 0), source, channel, connection, utm::jsonb, repeat, test, product, city, fields::jsonb, created_at, created_at, first_response_at
	from unnest(@ids::bigint[], @titles::text[], @clients::bigint[], @contacts::bigint[], @funnels::text[], @stages::text[], @amounts::text[],
		@currencies::text[], @items::text[], @probabilities::numeric[], @owners::bigint[], @sources::text[], @channels::text[],
		@connections::text[], @utms::text[], @repeats::boolean[], @tests::boolean[], @products::text[], @cities::text[], @fields::text[],
		@times::timestamptz[], @responses::timestamptz[])
		as t (id, title, client_id, contact_id, funnel, stage, amount, currency, items, probability, owner_id, source, channel, connection,
			utm, repeat, test, product, city, fields, created_at, first_response_at)
	returning id, funnel, stage, owner_id, amount, channel, connection, created_at
), visited as (
	insert into stage_visit (lead_id, funnel, stage, no, entered_at, entered_by, owner_then)
	select id, funnel, stage, 1, created_at, nullif(@by::bigint, 0), owner_id from opened
), assigned as (
	insert into assignment (lead_id, employee_id, at, by, why)
	select id, owner_id, created_at, nullif(@by::bigint, 0), 'opened' from opened where owner_id is not null
), worth as (
	insert into lead_amount (lead_id, at, amount, by)
	select id, created_at, amount, nullif(@by::bigint, 0) from opened where amount is not null
)
insert into journal (at, actor_id, lead_id, object, action, data)
select @now::timestamptz, nullif(@by::bigint, 0), id, 'lead:' || id, 'lead.created', jsonb_build_object('channel', channel, 'connection', connection)
from opened;
