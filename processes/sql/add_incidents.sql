-- add_incidents.sql: instances that cannot go on, and starts that did not even begin (instance 0).
insert into incident (instance_id, no, subject, process, element, reason, at)
select nullif(instance_id, 0), no, subject, process, element, reason, @now
from unnest(@instances::bigint[], @nos::int[], @subjects::bigint[], @processes::text[], @elements::text[], @reasons::text[])
	as n (instance_id, no, subject, process, element, reason);
