-- link_clients.sql: people of clients, each link once.
insert into contact_client (contact_id, client_id)
select * from unnest(@contacts::bigint[], @clients::bigint[])
on conflict do nothing;
