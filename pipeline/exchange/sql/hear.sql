-- hear.sql: the other side told of a later version.
update exchange_link set heard = @version, heard_at = @at
where connection = @connection and kind = @kind and ref = @ref;
