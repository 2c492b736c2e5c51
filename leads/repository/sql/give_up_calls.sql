-- give_up_calls.sql: calls of which no inquiry could be made. They wait among the dead letters, not here.
update call set due_at = null where inquiry_id = any(@inquiries::text[]);
