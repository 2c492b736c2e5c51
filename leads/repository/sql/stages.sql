-- stages.sql: funnels with their stages, in the order people see.
select f.key, f.name_ru, f.name_en, f.position,
	s.key, s.name_ru, s.name_en, s.position, s.probability::float8, s.kind, s.norm_hours
from funnel f
join stage s on s.funnel = f.key
order by f.position, f.key, s.position, s.key;
