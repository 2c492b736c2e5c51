-- file_conflicts.sql: same id, other content; kept to be shown, each content once.
insert into inquiry_conflict (inquiry_id, received_at, body_hash, data)
select * from unnest(@ids::text[], @times::timestamptz[], @hashes::bytea[], @data::bytea[])
on conflict (inquiry_id, body_hash) do nothing;
