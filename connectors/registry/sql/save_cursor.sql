-- save_cursor.sql: where a poller stands now.
insert into connection_cursor (connection, part, position, updated_at)
values (@connection, @part, @position, @now)
on conflict (connection, part) do update set position = excluded.position, updated_at = excluded.updated_at;
