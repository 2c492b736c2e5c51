-- add_rules.sql: the start rules in the order given.
insert into start_rule (position, name, condition, process, funnel, lane, enabled)
select no, name, condition, process, funnel, lane, enabled
from unnest(@names::text[], @conditions::text[], @processes::text[], @funnels::text[], @lanes::text[], @enabled::boolean[])
	with ordinality as given (name, condition, process, funnel, lane, enabled, no)
