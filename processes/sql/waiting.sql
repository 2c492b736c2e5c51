-- waiting.sql: of some messages about subjects, the subjects with a process that waits for one of them.
select distinct s.subject
from unnest(@subjects::bigint[], @names::text[]) as m (subject, name)
join subscription s on s.subject = m.subject and s.message = m.name
order by s.subject;
