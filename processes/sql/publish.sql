-- publish.sql: the next version of a route map, or the latest one if it is the same file.
with latest as (
	select id, version, hash, published_at, published_by
	from process_definition
	where key = @key
	order by version desc
	limit 1
), added as (
	insert into process_definition (key, version, name, xml, hash, published_at, published_by)
	select @key, coalesce((select version from latest), 0) + 1, @name, @xml, @hash, @now, @by
	where not exists (select from latest where hash = @hash)
	returning id, version, published_at, published_by
)
select id, version, published_at, coalesce(published_by, 0), 0, true from added
union all
select id, version, published_at, coalesce(published_by, 0),
	(select count(*) from process_instance i where i.definition_id = latest.id and i.ended_at is null), false
from latest where hash = @hash;
