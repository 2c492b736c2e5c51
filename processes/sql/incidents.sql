-- incidents.sql: what stands still, newest first.
select id, coalesce(instance_id, 0), no, subject, process, element, reason, at, resolved_at, coalesce(resolved_by, 0)
from incident
where (@all or resolved_at is null)
	and (@subject = 0 or subject = @subject)
	and (@instance = 0 or instance_id = @instance)
	and (@id = 0 or id = @id)
	and (@before = 0 or id < @before)
order by id desc
limit @limit;
