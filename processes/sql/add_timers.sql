-- add_timers.sql: moments at which instances want to be woken. The row of a timer that has fired is set anew by its cycle.
insert into timer (instance_id, no, subject, due_at)
select * from unnest(@instances::bigint[], @nos::int[], @subjects::bigint[], @due::timestamptz[])
on conflict (instance_id, no) do update set due_at = excluded.due_at, attempts = 0;
