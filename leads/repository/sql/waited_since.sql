-- waited_since.sql: since when people who were reached at a moment had waited: their first call in vain after the
-- conversation before. Who has not called in vain for a month waits no longer.
select t.no, min(x.at)
from unnest(@contacts::bigint[], @times::timestamptz[]) with ordinality as t (contact_id, at, no)
join interaction x on x.contact_id = t.contact_id and x.at < t.at and x.at > t.at - interval '30 days'
where x.kind = 'call' and x.direction = 'in' and not x.answered and not exists (
	select from interaction y
	where y.contact_id = x.contact_id and y.kind = 'call' and y.answered and y.seconds >= @seconds and y.at > x.at and y.at < t.at)
group by t.no;
