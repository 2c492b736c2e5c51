-- name_contacts.sql: contacts known so far by a number only get the name they gave.
update contact c set name = t.name, version = c.version + 1
from unnest(@ids::bigint[], @names::text[]) as t (id, name)
where c.id = t.id and c.name = '';
