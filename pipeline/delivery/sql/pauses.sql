-- pauses.sql: connections that are paused and what they hold up. A pause that holds nothing up is nobody's concern; the next
-- delivery probes it.
select p.connection, p.via, p.reason, p.person, p.since, p.until, p.times, w.count
from delivery_pause p
cross join lateral (
	select count(*) from delivery d where d.connection = p.connection and d.state in ('waiting', 'leased')
) w
where p.until is not null and w.count > 0
order by p.since, p.connection
