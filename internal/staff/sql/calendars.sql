-- calendars.sql: the working calendars.
select key, name, timezone, week, days
from calendar
order by key
