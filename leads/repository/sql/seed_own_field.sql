-- seed_own_field.sql: a field the company added. Its kind stays once leads hold values of it.
insert into own_field (key, name_ru, name_en, kind, choices, position)
values (@key, @ru, @en, @kind, @choices, @position)
on conflict (key) do update set name_ru = excluded.name_ru, name_en = excluded.name_en, choices = excluded.choices, position = excluded.position;
