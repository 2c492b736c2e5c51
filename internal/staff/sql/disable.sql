-- disable.sql: when the person left; null: is back.
update employee
set disabled_at = @at
where login = @login
returning id
