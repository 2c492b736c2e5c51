-- save_role.sql: a role to which route maps address work.
insert into performer_role (key, name_ru, name_en)
values (@key, @ru, @en)
on conflict (key) do update set name_ru = excluded.name_ru, name_en = excluded.name_en
