-- begin_visits.sql: leads come into stages; the visits of a lead are numbered from 1.
insert into stage_visit (lead_id, funnel, stage, no, entered_at, entered_by, owner_then)
select t.lead_id, t.funnel, t.stage, coalesce((select max(no) from stage_visit v where v.lead_id = t.lead_id), 0) + 1,
	@now::timestamptz, nullif(t.by, 0), nullif(t.owner_id, 0)
from unnest(@leads::bigint[], @funnels::text[], @stages::text[], @by::bigint[], @owners::bigint[]) as t (lead_id, funnel, stage, by, owner_id);
