-- assign_leads.sql: who is responsible from now on.
with assigned as (
	update lead l
	set owner_id = nullif(t.owner_id, 0), version = l.version + 1
	from unnest(@leads::bigint[], @owners::bigint[], @by::bigint[], @why::text[]) as t (id, owner_id, by, why)
	where l.id = t.id
	returning l.id, l.owner_id, t.by, t.why
)
insert into assignment (lead_id, employee_id, at, by, why)
select id, owner_id, @now::timestamptz, nullif(by, 0), why from assigned;
