-- new_notices.sql: who got notices since the mark. Only transactions below the snapshot's xmin are looked at: all of
-- them have ended, so that none can commit behind the new mark.
with horizon as (
	select pg_snapshot_xmin(pg_current_snapshot()) as xmin
)
select horizon.xmin::text,
	array(
		select distinct employee_id
		from notice
		where xid >= @mark::text::xid8 and xid < horizon.xmin
	)
from horizon
