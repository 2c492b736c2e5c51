-- open_clients.sql: new clients, sorted by INN. Who files the same INN at the same time waits, and both get one client.
insert into client as c (kind, name, inn, created_at)
select t.kind, t.name, t.inn, t.created_at
from unnest(@kinds::text[], @names::text[], @inns::text[], @times::timestamptz[]) as t (kind, name, inn, created_at)
on conflict (inn, kpp) where inn <> '' do update set name = c.name
returning c.inn, c.id, c.name;
