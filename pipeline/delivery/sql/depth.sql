-- depth.sql: how many rows are open, by state, and since when the oldest is due.
select state, count(*), min(due_at) from delivery where state in ('waiting', 'leased') group by state
union all
select 'parked', count(*), min(due_at) from delivery where state = 'parked'
