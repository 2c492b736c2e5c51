-- rename_contact.sql: a contact's new name; the old one comes back.
update contact c set name = @name, version = c.version + 1
from (select id, name from contact where id = @id for no key update) old
where c.id = old.id
returning old.name;
