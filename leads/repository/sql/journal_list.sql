-- journal_list.sql: the journal as it was written, the latest first, from a place in the list on.
select j.id, j.at, coalesce(j.actor_id, 0), coalesce(e.name, ''), coalesce(j.lead_id, 0), coalesce(l.title, ''), j.object, j.action, j.data
from journal j
left join employee e on e.id = j.actor_id
left join lead l on l.id = j.lead_id
where (@actor::bigint = 0 or j.actor_id = @actor)
	and (@lead::bigint = 0 or j.lead_id = @lead)
	and starts_with(j.object, @object)
	and starts_with(j.action, @action)
	and (@from::timestamptz is null or j.at >= @from)
	and (@to::timestamptz is null or j.at < @to)
	and (@after::bigint = 0 or j.id < @after)
order by j.id desc
limit @limit;
