-- add_employee.sql: a person who must change the password at the first sign-in.
insert into employee (login, name, permission, team, email, extension, language, calendar, password_hash, must_change_password, created_at)
values (@login, @name, @permission, @team, @email, @extension, @language, nullif(@calendar, ''), @hash, true, @now)
returning id
