-- open_unnamed_clients.sql: new clients of whom only the name is known, under ids taken beforehand.
insert into client (id, kind, name, created_at) overriding system value
select t.id, 'company', t.name, t.created_at
from unnest(@ids::bigint[], @names::text[], @times::timestamptz[]) as t (id, name, created_at);
