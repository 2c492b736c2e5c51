-- lock_refs.sql: file the names that a batch speaks by, sorted, and lock those that are there already; with the lead of each.
insert into lead_ref as r (ref) select * from unnest(@refs::text[])
on conflict (ref) do update set ref = r.ref -- changes nothing: takes the lock
returning r.ref, coalesce(r.lead_id, 0);
