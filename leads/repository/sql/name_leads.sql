-- name_leads.sql: the leads that names belong to from now on.
update lead_ref r set lead_id = t.lead_id
from unnest(@refs::text[], @leads::bigint[]) as t (ref, lead_id)
where r.ref = t.ref;
