-- adopt.sql: an object of theirs that became one of ours, or turned out to be one that another of theirs stands for already. A link
-- that was written a moment ago in this very transaction, before anybody knew that the object is there, becomes this one.
with taken as (
	update exchange_link set ref = @ref, heard = @version, heard_at = @now
	where connection = @connection and kind = @kind and object_id = @id and main and version = '' and created_at = @now
	returning ref
)
insert into exchange_link (connection, kind, object_id, ref, main, heard, heard_at, changed_at, created_at)
select @connection, @kind, @id, @ref,
	not exists (select from exchange_link where connection = @connection and kind = @kind and object_id = @id and main),
	@version, @now, @now, @now
where not exists (select from taken);
