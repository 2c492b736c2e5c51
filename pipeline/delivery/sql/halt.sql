-- halt.sql: nothing goes out through a connection until it has been probed again. What was under way beside the one that made
-- it pause changes nothing but the words: only a probe that found it unmended doubles the pause.
insert into delivery_pause as p (connection, via, reason, person, since, until, times)
values (@connection, @via, @reason, @person, @now, @now::timestamptz + greatest(@after::interval, @least::interval * @share::float8), 1)
on conflict (connection) do update set
	via = excluded.via, reason = excluded.reason, person = excluded.person, ended_at = null,
	since = case when p.until is null then excluded.since else p.since end,
	times = case when p.until is null then 1 when p.probe = @delivery then p.times + 1 else p.times end,
	until = case
		when p.until is null then excluded.until
		when p.probe = @delivery then @now::timestamptz
			+ greatest(@after::interval, least(@most::interval, @least::interval * power(2, least(p.times, 20))) * @share::float8)
		else p.until end,
	probe = case when p.probe = @delivery then null else p.probe end
