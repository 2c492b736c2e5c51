-- held.sql: which of these leads each system holds. Connections are named for the sake of the index.
select connection, object_id from exchange_link
where connection = any(@connections::text[]) and kind = 'lead' and object_id = any(@leads::bigint[]) and main;
