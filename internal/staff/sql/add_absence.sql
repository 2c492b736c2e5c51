-- add_absence.sql: somebody is away.
insert into absence (employee_id, substitute_id, starts_at, ends_at, reason)
values (@employee, @substitute, @from, @to, @reason)
returning id
