-- save_cursor.sql: where a poller stands now. One that stands where it stood is not written again: it looks every few seconds.
insert into connection_cursor as c (connection, part, position, updated_at)
values (@connection, @part, @position, @now)
on conflict (connection, part) do update set position = excluded.position, updated_at = excluded.updated_at
where c.position <> excluded.position;
