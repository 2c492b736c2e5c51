-- claim_point.sql: a point goes to a contact, unless it is somebody's. Whose it is then.
insert into contact_point as p (kind, value, written, contact_id, created_at)
values (@kind, @value, @written, @contact, @now)
on conflict (kind, value) do update set written = p.written -- changes nothing: takes the lock
returning coalesce(p.contact_id, 0), coalesce(p.client_id, 0);
