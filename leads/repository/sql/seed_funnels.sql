-- seed_funnels.sql: funnels in the order given.
insert into funnel (key, name_ru, name_en, position)
select * from unnest(@keys::text[], @ru::text[], @en::text[]) with ordinality
on conflict (key) do update set name_ru = excluded.name_ru, name_en = excluded.name_en, position = excluded.position;
