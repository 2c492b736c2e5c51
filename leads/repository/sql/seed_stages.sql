-- seed_stages.sql: stages of funnels.
insert into stage (funnel, key, name_ru, name_en, position, probability, kind, norm_hours)
select * from unnest(@funnels::text[], @keys::text[], @ru::text[], @en::text[], @positions::integer[], @probabilities::numeric[], @kinds::text[], @norms::integer[])
on conflict (funnel, key) do update set name_ru = excluded.name_ru, name_en = excluded.name_en, position = excluded.position,
	probability = excluded.probability, kind = excluded.kind, norm_hours = excluded.norm_hours;
