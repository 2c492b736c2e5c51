-- undo_merge.sql: what came from the merged contact goes back to it, unless it has gone elsewhere since.
with m as (
	update contact_merge set undone_at = @now::timestamptz, undone_by = nullif(@by::bigint, 0) where id = @id returning kept_id, gone_id, moved
), points as (
	update contact_point p set contact_id = m.gone_id
	from m, jsonb_array_elements(m.moved->'points') e
	where p.kind = e->>0 and p.value = e->>1 and p.contact_id = m.kept_id
), moved_leads as (
	update lead l set contact_id = m.gone_id, version = version + 1
	from m, jsonb_array_elements_text(m.moved->'leads') e
	where l.id = e::bigint and l.contact_id = m.kept_id
), inquiries as (
	update inquiry i set contact_id = m.gone_id
	from m, jsonb_array_elements_text(m.moved->'inquiries') e
	where i.id = e and i.contact_id = m.kept_id
), interactions as (
	update interaction i set contact_id = m.gone_id
	from m, jsonb_array_elements_text(m.moved->'interactions') e
	where i.id = e::bigint and i.contact_id = m.kept_id
), clients as (
	delete from contact_client c
	using m, jsonb_array_elements_text(m.moved->'clients') e
	where c.contact_id = m.kept_id and c.client_id = e::bigint
)
update contact c set merged_into = null, version = version + 1 from m where c.id = m.gone_id;
