-- attend.sql: a process says that it runs. Those that have not said so for long are forgotten.
with forgotten as (
	delete from gateway_process where seen_at < @long_ago and id <> @id
)
insert into gateway_process as p (id, host, roles, started_at, seen_at)
values (@id, @host, @roles, @now, @now)
on conflict (id) do update set seen_at = excluded.seen_at, roles = excluded.roles;
