-- set_lead.sql: the fields of a lead that people fill in.
update lead
set title = @title, amount = nullif(@amount::text, '')::numeric, currency = @currency, items = @items::text::jsonb, probability = @probability::float8,
	expected_close = @expected_close::date, source = @source, product = @product, city = @city, priority = @priority, helpers = @helpers::bigint[],
	fields = @fields::text::jsonb, client_id = nullif(@client::bigint, 0), last_activity_at = greatest(last_activity_at, @now::timestamptz), version = version + 1
where id = @id;
