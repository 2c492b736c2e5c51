-- raw.sql: an event as it came.
select event, data from inquiry_raw where inquiry_id = @id;
