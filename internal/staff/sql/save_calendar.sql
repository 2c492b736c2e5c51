-- save_calendar.sql: working hours.
insert into calendar (key, name, timezone, holidays, week, days)
values (@key, @name, @timezone, @holidays, @week, @days)
on conflict (key) do update
set name = excluded.name, timezone = excluded.timezone, holidays = excluded.holidays,
	week = excluded.week, days = excluded.days
