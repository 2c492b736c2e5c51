-- lead_totals.sql: what the columns of the board add up to, for the leads of a filter.
select l.funnel, l.stage, count(*), coalesce(sum(l.amount), 0)::text, round(coalesce(sum(l.amount * l.probability / 100), 0), 2)::text
from lead l
where {where}
group by l.funnel, l.stage
order by l.funnel, l.stage;
