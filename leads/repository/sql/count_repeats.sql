-- count_repeats.sql: the inquiries that are known already, locked in the order of their ids. A repeat is counted;
-- a dead one is not a repeat: it is about to be run again in its place.
with known as (
	select id from inquiry where id = any(@ids::text[]) order by id for no key update
)
update inquiry i
set repeats = i.repeats + case when i.state = 'dead' then 0 else t.times end
from known join unnest(@ids::text[], @times::integer[]) as t (id, times) using (id)
where i.id = known.id
returning i.id, i.state, i.body_hash, coalesce(i.lead_id, 0), coalesce(i.contact_id, 0);
