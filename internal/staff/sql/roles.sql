-- roles.sql: the roles to which route maps address work. Sorted by bytes, as the program searches them.
select key, name_ru, name_en
from performer_role
order by key collate "C"
