-- sources.sql: where clients come from.
select key, name_ru, name_en from source order by name_ru, key;
