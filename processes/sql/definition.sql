-- definition.sql: one version of a route map with its file.
select key, version, name, published_at, coalesce(published_by, 0), xml
from process_definition
where id = @id;
