-- seed_reasons.sql: loss reasons in the order given.
insert into loss_reason (key, name_ru, name_en, kind, needs_comment, position)
select * from unnest(@keys::text[], @ru::text[], @en::text[], @kinds::text[], @comments::boolean[]) with ordinality
on conflict (key) do update set name_ru = excluded.name_ru, name_en = excluded.name_en, kind = excluded.kind,
	needs_comment = excluded.needs_comment, position = excluded.position;
