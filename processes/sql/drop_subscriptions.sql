-- drop_subscriptions.sql: messages that nobody waits for any more.
delete from subscription s
using unnest(@instances::bigint[], @nos::int[]) as n (instance_id, no)
where s.instance_id = n.instance_id and s.no = n.no;
