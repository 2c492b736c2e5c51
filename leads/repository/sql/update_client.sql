-- update_client.sql: a client's name and tax number.
update client set name = @name, inn = @inn, version = version + 1 where id = @id;
