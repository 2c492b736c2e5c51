-- employees.sql: everybody with their roles. Those who left stay: history names them.
select id, login, name, team, email, extension, language, coalesce(calendar, ''), permission,
	array(select role from role_member where employee_id = employee.id order by role),
	disabled_at
from employee
order by id
