-- postpone_timer.sql: try a timer again later.
update timer
set due_at = @due, attempts = attempts + 1
where instance_id = @instance and no = @no;
