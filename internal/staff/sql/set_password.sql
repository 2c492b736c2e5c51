-- set_password.sql: a new password; once: it has to be changed at the next sign-in.
update employee
set password_hash = @hash, must_change_password = @once
where login = @login
returning id
