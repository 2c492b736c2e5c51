-- take_turns.sql: one capture at a time with each of these contacts, sorted by id, whichever of their points the inquiries name.
insert into contact_turn as t (contact_id)
select unnest(@ids::bigint[])
on conflict (contact_id) do update set contact_id = t.contact_id;
