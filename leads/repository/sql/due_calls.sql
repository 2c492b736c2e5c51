-- due_calls.sql: calls whose final word nobody waits for any longer, the longest due first.
select connection, key, inquiry_id, due_at from call where due_at <= @now::timestamptz order by due_at limit @limit;
