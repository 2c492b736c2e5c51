-- merge_proposals.sql: pairs of contacts that may be one person, the oldest proposal first.
select id, older_id, newer_id, inquiry_id, created_at from merge_proposal where state = 'open' order by created_at, id limit @limit;
