-- lock_inquiry.sql: one inquiry, for whoever runs it again.
select state from inquiry where id = @id for no key update;
