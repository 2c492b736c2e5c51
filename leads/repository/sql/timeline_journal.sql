-- timeline_journal.sql: what was done to a lead, by whom.
select j.id, j.at, coalesce(j.actor_id, 0), coalesce(e.name, ''), j.object, j.action, j.data
from journal j
left join employee e on e.id = j.actor_id
where j.lead_id = @lead;
