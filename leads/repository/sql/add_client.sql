-- add_client.sql: a new client; who adds the same tax number at the same time gets the same client.
insert into client as c (kind, name, inn, created_at)
values (@kind, @name, @inn, @now)
on conflict (inn, kpp) where inn <> '' do update set name = c.name
returning id;
