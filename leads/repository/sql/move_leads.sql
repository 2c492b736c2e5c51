-- move_leads.sql: where leads stand now, open again if they were closed.
update lead l
set funnel = t.funnel, stage = t.stage, probability = t.probability, status = 'open', closed_at = null, loss_reason = null, loss_comment = '',
	last_activity_at = greatest(l.last_activity_at, @now::timestamptz), version = l.version + 1
from unnest(@leads::bigint[], @funnels::text[], @stages::text[], @probabilities::numeric[]) as t (id, funnel, stage, probability)
where l.id = t.id;
