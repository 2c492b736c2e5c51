-- seed_sources.sql: where clients come from.
insert into source (key, name_ru, name_en)
select * from unnest(@keys::text[], @ru::text[], @en::text[])
on conflict (key) do update set name_ru = excluded.name_ru, name_en = excluded.name_en;
