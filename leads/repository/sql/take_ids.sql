-- take_ids.sql: ids for the rows of one batch, so that rows which refer to each other can be written at once.
select nextval(pg_get_serial_sequence(@of, 'id')) from generate_series(1, @n::integer);
