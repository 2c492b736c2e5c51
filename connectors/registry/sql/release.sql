-- release.sql: connections that have left the file go on working and can be edited in the interface.
update connection set from_config = false, updated_at = @now where from_config and name <> all(@names::text[]);
