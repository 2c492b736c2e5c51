-- credentials.sql: what a sign-in is checked against.
select id, password_hash, must_change_password
from employee
where login = @login and disabled_at is null and password_hash <> ''
