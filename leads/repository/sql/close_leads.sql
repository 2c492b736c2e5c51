-- close_leads.sql: leads end. What they were worth and whose they were at that moment is kept beside the reason.
with closed as (
	update lead l
	set status = t.kind, stage = t.stage, probability = case t.kind when 'won' then 100 else 0 end, closed_at = @now::timestamptz,
		loss_reason = nullif(t.reason, ''), loss_comment = t.comment, last_activity_at = greatest(l.last_activity_at, @now::timestamptz), version = l.version + 1
	from unnest(@leads::bigint[], @kinds::text[], @stages::text[], @stages_then::text[], @reasons::text[], @comments::text[], @by::bigint[])
		as t (id, kind, stage, stage_then, reason, comment, by)
	where l.id = t.id
	returning l.id, t.kind, t.reason, t.comment, t.by, l.amount, t.stage_then, l.owner_id
)
insert into close_event (lead_id, kind, at, by, reason, comment, amount, stage_then, owner_then)
select id, kind, @now::timestamptz, nullif(by, 0), nullif(reason, ''), comment, amount, stage_then, owner_id from closed;
