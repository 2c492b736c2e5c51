-- trouble.sql: what is wrong with a connection that goes and asks; '' when the other side answers as it should. That it still does
-- is noted twice a minute at most.
update connection set trouble = @trouble, trouble_at = case when @trouble = '' then null when trouble = @trouble then trouble_at else @now::timestamptz end,
       confirmed_at = case when @trouble = '' then @now else confirmed_at end
where name = @name and (trouble <> @trouble or @trouble = '' and (confirmed_at is null or confirmed_at < @now::timestamptz - interval '30 seconds'));
