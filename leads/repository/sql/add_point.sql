-- add_point.sql: a point for a contact; whose it is comes back, 0 for a client's.
insert into contact_point (kind, value, written, contact_id, created_at)
values (@kind, @value, @written, @contact, @now)
on conflict (kind, value) do update set written = contact_point.written
returning coalesce(contact_id, 0);
