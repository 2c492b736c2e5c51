-- touch_leads.sql: open leads that took an inquiry, which locked them. Nobody's form gets stale by it: the version stays.
update lead l
set last_activity_at = greatest(l.last_activity_at, t.at),
	client_id = coalesce(l.client_id, nullif(t.client_id, 0)),
	first_response_at = coalesce(l.first_response_at, t.response_at)
from unnest(@ids::bigint[], @times::timestamptz[], @clients::bigint[], @responses::timestamptz[]) as t (id, at, client_id, response_at)
where l.id = t.id;
