-- add_token.sql: an API token by its hash; no row when there is no such employee.
insert into api_token (token_hash, employee_id, name, created_at)
select @token, id, @name, @now
from employee
where login = @login and disabled_at is null
returning id, employee_id
