-- leave_failure.sql: somebody gave an item up.
update connection_failure
set left_at = @now, left_by = @by, left_why = @why, retry_at = null
where connection = @connection and part = @part and item = @item and left_at is null;
