-- read_link.sql: how an object of ours stands on the other side.
select object_id, ref, main, agreed, version, heard, heard_at, changed_at, gone, revision
from exchange_link
