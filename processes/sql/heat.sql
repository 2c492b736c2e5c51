-- heat.sql: how often the instances of a route map's version passed each element, and how many stand there now.
with runs as (
	select id, snapshot, ended_at
	from process_instance
	where definition_id = @definition
		and (@from::timestamptz is null or started_at >= @from)
		and (@until::timestamptz is null or started_at < @until)
), passed as (
	select event -> 'TokenEntered' ->> 'element' as element, count(*) as visits
	from runs
	join process_journal j on j.instance_id = runs.id
	cross join json_array_elements(j.events) as event
	where event -> 'TokenEntered' is not null
	group by 1
), standing as (
	select token ->> 'element' as element, count(*) as now
	from runs
	cross join json_array_elements(coalesce(runs.snapshot -> 'tokens', '[]')) as token
	where runs.ended_at is null
	group by 1
)
select element, coalesce(passed.visits, 0), coalesce(standing.now, 0)
from passed
full join standing using (element)
order by element;
