-- clients_by_inn.sql: the oldest client with each of these INN; a firm's branches share one.
select distinct on (inn) inn, id, name
from client
where inn = any(@inns::text[]) and inn <> ''
order by inn, id;
