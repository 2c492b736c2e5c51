-- delete.sql: take out exactly the rows that were handled, where they were read: the
-- lane's lock is held since, and rows of the spool are never updated. Never "up to
-- id N": a transaction that commits late leaves rows with lower ids.
delete from spool where ctid = any($1::tid[])
