-- instances.sql: runs of route maps, newest first.
select i.id, i.definition_id, d.key, d.version, d.name, i.root_id, coalesce(i.parent_id, 0), i.subject, i.state, i.revision,
	i.started_at, i.ended_at
from process_instance i
join process_definition d on d.id = i.definition_id
where (@id = 0 or i.id = @id)
	and (@subject = 0 or i.subject = @subject)
	and (@subjects::bigint[] is null or i.subject = any(@subjects::bigint[]))
	and (@key = '' or d.key = @key)
	and (@version = 0 or d.version = @version)
	and (@state = '' or i.state = @state)
	and (@after_id = 0 or (i.started_at, i.id) < (@after_at::text::timestamptz, @after_id::bigint))
order by i.started_at desc, i.id desc
limit @limit;
