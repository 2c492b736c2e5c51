-- tokens.sql: API tokens, of one employee or of all.
select api_token.id, employee_id, login, api_token.name, api_token.created_at, used_at, revoked_at
from api_token
join employee on employee.id = employee_id
where @login = '' or login = @login
order by api_token.id
