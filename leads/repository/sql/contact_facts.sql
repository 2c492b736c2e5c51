-- contact_facts.sql: what a lead's people and ours have said to each other since a moment. Machines do not count.
select count(*) filter (where direction = 'out'),
	count(*) filter (where direction = 'out' and answered),
	count(*) filter (where direction = 'in'),
	count(*) filter (where kind = 'call' and answered),
	coalesce(max(seconds) filter (where kind = 'call' and answered), 0),
	count(*) filter (where kind = 'letter' and direction = 'out'),
	count(*) filter (where kind = 'message' and direction = 'out'),
	max(at) filter (where direction = 'out'),
	max(at) filter (where direction = 'in')
from interaction
where lead_id = @lead and at >= @since::timestamptz and human and kind <> 'note';
