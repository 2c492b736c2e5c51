-- client_points.sql: the points that stand for the client of a lead, like its switchboard.
select kind, value, written, extension
from contact_point
where client_id = (select client_id from lead where id = @lead)
order by created_at, kind, value;
