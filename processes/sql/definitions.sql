-- definitions.sql: the latest version of each route map, or all versions of one.
select d.id, d.key, d.version, d.name, d.published_at, coalesce(d.published_by, 0),
	(select count(*) from process_instance i where i.definition_id = d.id and i.ended_at is null)
from process_definition d
where (@key = '' and d.version = (select max(version) from process_definition latest where latest.key = d.key))
	or d.key = @key
order by d.name, d.version desc;
