-- add_amount.sql: what a lead is thought to be worth from now on; the last word of a moment counts.
insert into lead_amount (lead_id, at, amount, by)
values (@lead, @now::timestamptz, nullif(@amount::text, '')::numeric, nullif(@by::bigint, 0))
on conflict (lead_id, at) do update set amount = excluded.amount, by = excluded.by;
