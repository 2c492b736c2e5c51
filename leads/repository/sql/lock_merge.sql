-- lock_merge.sql: one merging that has not been undone.
select kept_id, gone_id from contact_merge where id = @id and undone_at is null for no key update;
