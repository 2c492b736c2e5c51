-- retry_failure.sql: somebody wants an item tried once more, or all that nobody has given up. It begins from the start, whether it
-- was passed over or given up.
update connection_failure
set retry_at = @now, attempts = 0, since = @now, left_at = null, left_by = '', left_why = ''
where connection = @connection and (part = @part and item = @item or @all::boolean and left_at is null);
