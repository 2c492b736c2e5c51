-- add_subscriptions.sql: messages that instances wait for.
insert into subscription (instance_id, no, subject, message)
select * from unnest(@instances::bigint[], @nos::int[], @subjects::bigint[], @messages::text[]);
