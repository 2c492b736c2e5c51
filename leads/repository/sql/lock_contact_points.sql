-- lock_contact_points.sql: the points of contacts, in the order everybody takes them: whoever captures these people waits.
select kind, value from contact_point where contact_id = any(@contacts::bigint[]) order by kind, value for no key update;
