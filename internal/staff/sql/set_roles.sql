-- set_roles.sql: the person is a performer of exactly these roles.
with gone as (
	delete from role_member
	where employee_id = @employee and role <> all (@roles::text[])
)
insert into role_member (role, employee_id)
select distinct role, @employee::bigint
from unnest(@roles::text[]) as role
on conflict do nothing
