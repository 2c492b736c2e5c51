-- new_notices.sql: the visible notices of transactions that were running at the mark or began later, and the next mark:
-- the oldest transaction that is running now. The notices of one that commits late have its old id, and are not missed.
with tail as (
	select coalesce(array_agg(id order by id), '{}') as ids, coalesce(array_agg(employee_id order by id), '{}') as employees
	from notice
	where xid >= @mark::text::xid8
)
select pg_snapshot_xmin(pg_current_snapshot())::text, ids, employees
from tail
