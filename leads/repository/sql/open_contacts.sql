-- open_contacts.sql: new contacts under ids taken beforehand.
insert into contact (id, name, created_at) overriding system value
select t.id, t.name, t.created_at
from unnest(@ids::bigint[], @names::text[], @times::timestamptz[]) as t (id, name, created_at);
