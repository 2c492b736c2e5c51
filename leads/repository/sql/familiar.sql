-- familiar.sql: who of us spoke last with the person behind each lead, or else with the firm.
select l.id, coalesce(p.employee_id, k.employee_id)
from lead l
left join lateral (
	select employee_id from interaction
	where contact_id = l.contact_id and employee_id is not null and human and (direction = 'out' or answered)
	order by at desc limit 1
) p on true
left join lateral (
	select employee_id from interaction
	where p.employee_id is null and client_id = l.client_id and employee_id is not null and human and (direction = 'out' or answered)
	order by at desc limit 1
) k on true
where l.id = any(@leads::bigint[]) and coalesce(p.employee_id, k.employee_id) is not null;
