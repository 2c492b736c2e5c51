-- rename.sql: the other side keeps our object under a reference of its own.
update exchange_link set ref = @theirs where connection = @connection and kind = @kind and ref = @ours and object_id = @id;
