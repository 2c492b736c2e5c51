-- propose_merges.sql: two contacts that one inquiry names together, each pair once.
insert into merge_proposal (older_id, newer_id, inquiry_id, created_at)
select * from unnest(@older::bigint[], @newer::bigint[], @inquiries::text[], @times::timestamptz[])
on conflict (older_id, newer_id) do nothing;
