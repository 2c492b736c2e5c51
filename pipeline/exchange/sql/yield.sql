-- yield.sql: a second object of theirs that turns out to be the first one.
delete from exchange_link where connection = @connection and kind = @kind and ref = @theirs and object_id = @id and not main;
