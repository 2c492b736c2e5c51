-- set_client_point.sql: a point that stands for a client alone.
insert into contact_point (kind, value, written, client_id, created_at)
values (@kind, @value, @written, @client, @now)
on conflict (kind, value) do update set client_id = excluded.client_id, contact_id = null;
