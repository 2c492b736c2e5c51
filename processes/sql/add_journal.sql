-- add_journal.sql: what each command did.
insert into process_journal (instance_id, revision, subject, at, actor_id, command, events)
select instance_id, revision, subject, @now, nullif(actor, 0), command, events::json
from unnest(@instances::bigint[], @revisions::int[], @subjects::bigint[], @actors::bigint[], @commands::text[], @events::text[])
	as n (instance_id, revision, subject, actor, command, events);
