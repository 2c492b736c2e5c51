-- resolve_incidents.sql: incidents that are over.
update incident i
set resolved_at = @now, resolved_by = @by
from unnest(@instances::bigint[], @nos::int[]) as n (instance_id, no)
where i.instance_id = n.instance_id and i.no = n.no and i.resolved_at is null;
