-- clients.sql: clients by id, and those of leads.
select id, kind, name, inn, kpp, coalesce(owner_id, 0), fields, created_at, version
from client
where id = any(@clients::bigint[] || array(select client_id from lead where id = any(@leads::bigint[]) and client_id is not null));
