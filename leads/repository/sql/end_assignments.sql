-- end_assignments.sql: who was responsible so far is no more.
update assignment a set left_at = @now::timestamptz
where a.lead_id = any(@leads::bigint[]) and a.left_at is null;
