-- latest.sql: the version of each route map that new instances run.
select distinct on (key) key, id
from process_definition
where key = any(@keys)
order by key, version desc;
