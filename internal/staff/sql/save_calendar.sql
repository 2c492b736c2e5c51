-- save_calendar.sql: working hours.
insert into calendar (key, name, timezone, week, days)
values (@key, @name, @timezone, @week, @days)
on conflict (key) do update
set name = excluded.name, timezone = excluded.timezone, week = excluded.week, days = excluded.days
