-- lock_points.sql: file the contact points of a batch and lock those that are there already. The rows come sorted by kind
-- and value; every worker takes them in this order. A new point gets the contact proposed for it.
insert into contact_point as p (kind, value, written, extension, contact_id, created_at)
select * from unnest(@kinds::text[], @values::text[], @written::text[], @extensions::text[], @contacts::bigint[], @times::timestamptz[])
on conflict (kind, value) do update set written = p.written -- changes nothing: takes the lock
returning p.kind, p.value, coalesce(p.contact_id, 0), coalesce(p.client_id, 0);
