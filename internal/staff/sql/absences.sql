-- absences.sql: who is away when. The whole list: it is short, and past ones answer for past moments.
select id, employee_id, substitute_id, starts_at, ends_at, reason
from absence
order by employee_id, starts_at, id
