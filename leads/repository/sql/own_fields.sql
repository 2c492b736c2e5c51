-- own_fields.sql: the fields the company added, in their order.
select key, name_ru, name_en, kind, choices, position from own_field order by position, key;
