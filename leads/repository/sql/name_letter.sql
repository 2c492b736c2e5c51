-- name_letter.sql: the Message-ID of a letter of ours belongs to its lead, even if an answer named it before.
insert into lead_ref (ref, lead_id) values (@ref, @lead)
on conflict (ref) do update set lead_id = excluded.lead_id;
