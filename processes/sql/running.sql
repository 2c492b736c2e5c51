-- running.sql: which of some processes run about which of some subjects.
select i.subject, d.key, min(i.id)
from unnest(@subjects::bigint[], @keys::text[]) as wanted (subject, key)
join process_instance i on i.subject = wanted.subject and i.ended_at is null
join process_definition d on d.id = i.definition_id and d.key = wanted.key
group by i.subject, d.key;
