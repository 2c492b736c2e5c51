-- count_dead.sql: how many dead letters wait, and since when the oldest does.
select count(*), min(received_at) from inquiry where state = 'dead';
