-- trouble.sql: what is wrong with a connection that goes and asks; '' when nothing is.
update connection set trouble = @trouble, trouble_at = case when @trouble = '' then null else @now::timestamptz end
where name = @name and trouble <> @trouble;
