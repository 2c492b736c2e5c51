-- update_employee.sql: everything about a person but login, password and state.
update employee
set name = @name, permission = @permission, team = @team, email = @email, extension = @extension,
	language = @language, calendar = nullif(@calendar, '')
where id = @id
returning id
