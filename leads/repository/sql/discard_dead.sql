-- discard_dead.sql: a person decided that nothing is to be made of it.
update inquiry set state = 'discarded' where id = @id and state = 'dead';
