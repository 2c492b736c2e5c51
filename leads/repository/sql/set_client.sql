-- set_client.sql: new values of a client; null leaves one as it is.
update client set name = coalesce(nullif(@name, ''), name), inn = coalesce(@inn, inn), kpp = coalesce(@kpp, kpp), version = version + 1
where id = @id;
