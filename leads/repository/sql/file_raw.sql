-- file_raw.sql: events as they came, each once.
insert into inquiry_raw (inquiry_id, event, data, data_ref)
select * from unnest(@ids::text[], @events::bytea[], @data::bytea[], @refs::text[])
on conflict (inquiry_id) do nothing;
