-- end_sessions.sql: end the sessions of an employee, but for one.
delete from session
where employee_id = @employee and token_hash <> @but
