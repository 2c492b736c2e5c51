-- reached_since.sql: which people somebody of ours has talked with after a moment, for so long at least.
select distinct t.no
from unnest(@contacts::bigint[], @times::timestamptz[]) with ordinality as t (contact_id, at, no)
join interaction x on x.contact_id = t.contact_id and x.at > t.at
where x.kind = 'call' and x.answered and x.seconds >= @seconds;
