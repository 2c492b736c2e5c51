-- clear_dead.sql: dead inquiries that are about to be filed in their place; what was counted of them comes back.
delete from inquiry where id = any(@ids::text[]) and state = 'dead' returning id, repeats;
