-- lock_proposal.sql: one proposal, with who its contacts are by now: one of them may have been merged into another meanwhile.
select p.state, coalesce(o.merged_into, o.id), coalesce(n.merged_into, n.id)
from merge_proposal p
join contact o on o.id = p.older_id
join contact n on n.id = p.newer_id
where p.id = @id
for no key update of p;
