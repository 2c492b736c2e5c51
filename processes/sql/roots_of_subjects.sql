-- roots_of_subjects.sql: what runs about some subjects and was called by nobody.
select id
from process_instance
where subject = any(@subjects) and root_id = id and ended_at is null
order by id;
