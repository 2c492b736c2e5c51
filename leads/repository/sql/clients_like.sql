-- clients_like.sql: the client of a lead, and the oldest with a tax number.
select id, name, inn from client where id = @id::bigint or inn = @inn::text and inn <> '' order by id for no key update;
