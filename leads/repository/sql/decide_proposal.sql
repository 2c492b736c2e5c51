-- decide_proposal.sql: a person decided.
update merge_proposal set state = @state, decided_at = @now::timestamptz, decided_by = nullif(@by::bigint, 0) where id = @id;
