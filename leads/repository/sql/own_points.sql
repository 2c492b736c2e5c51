-- own_points.sql: new points whose person turned out to be another than proposed. They are locked already.
update contact_point p set contact_id = t.contact_id
from unnest(@kinds::text[], @values::text[], @contacts::bigint[]) as t (kind, value, contact_id)
where p.kind = t.kind and p.value = t.value;
