-- lock_calls.sql: lock the calls of a batch, those nobody heard of before are put down. The rows come sorted; every worker
-- takes them in this order.
insert into call as c (connection, key, inquiry_id, first_at)
select * from unnest(@connections::text[], @keys::text[], @inquiries::text[], @times::timestamptz[])
on conflict (connection, key) do update set first_at = least(c.first_at, excluded.first_at)
returning {call};
