-- calendars.sql: the working calendars.
select key, name, timezone, holidays, week, days
from calendar
order by key
