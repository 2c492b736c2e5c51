-- set_not_client.sql: whether calls and letters of a contact open leads.
update contact set not_client = @not_client, version = version + 1 where id = @id returning id;
