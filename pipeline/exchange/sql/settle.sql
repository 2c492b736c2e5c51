-- settle.sql: both sides were compared and agree on this. Whoever compared meanwhile was first.
update exchange_link set agreed = @agreed, version = @version, gone = @gone, revision = revision + 1
where connection = @connection and kind = @kind and ref = @ref and revision = @revision;
