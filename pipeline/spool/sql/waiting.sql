-- waiting.sql: the envelopes of topic $1 that hold the text $2, looked for among the $3 rows that an index scan meets first.
-- An index on the id would cost every insert; that somebody asks after what is still on its way is rare.
select envelope
from (select envelope from spool where topic = $1 limit $3) s
where position($2::bytea in envelope) > 0
limit 10;
