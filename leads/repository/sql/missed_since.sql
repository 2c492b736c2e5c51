-- missed_since.sql: which people have called in vain after a moment.
select distinct t.no
from unnest(@contacts::bigint[], @times::timestamptz[]) with ordinality as t (contact_id, at, no)
join interaction x on x.contact_id = t.contact_id and x.at > t.at
where x.kind = 'call' and x.direction = 'in' and not x.answered;
