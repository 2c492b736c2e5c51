-- end_visits.sql: leads leave the stages they are in, each with its fate.
update stage_visit v set left_at = @now::timestamptz, fate = t.fate
from unnest(@leads::bigint[], @fates::text[]) as t (lead_id, fate)
where v.lead_id = t.lead_id and v.left_at is null;
