-- parked_kinds.sql: what is parked, by connection and kind, the most first.
select connection, kind, count(*), min(created_at) from delivery
where state = 'parked'
group by connection, kind
order by count(*) desc, connection, kind
