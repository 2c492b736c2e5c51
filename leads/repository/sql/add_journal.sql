-- add_journal.sql: who did what.
insert into journal (at, actor_id, lead_id, object, action, data)
select t.at, nullif(t.actor_id, 0), nullif(t.lead_id, 0), t.object, t.action, t.data::jsonb
from unnest(@times::timestamptz[], @actors::bigint[], @leads::bigint[], @objects::text[], @actions::text[], @data::text[])
	as t (at, actor_id, lead_id, object, action, data);
