-- waiting.sql: the instances that wait for some messages about some subjects.
select distinct s.instance_id
from unnest(@subjects::bigint[], @names::text[]) as m (subject, name)
join subscription s on s.subject = m.subject and s.message = m.name
order by s.instance_id;
