-- upsert.sql: write a connection. What is the same already stays untouched, so that nobody reloads it.
insert into connection as c (name, connector, provider, title, source, settings, sealed, from_config, rate_limit, created_at, updated_at)
values (@name, @connector, @provider, @title, @source, @settings, @sealed, @from_config, @rate_limit, @now, @now)
on conflict (name) do update
set connector = excluded.connector, provider = excluded.provider, title = excluded.title, source = excluded.source,
    settings = excluded.settings, sealed = excluded.sealed, from_config = excluded.from_config, rate_limit = excluded.rate_limit,
    updated_at = excluded.updated_at, trouble = '', trouble_at = null
where (c.connector, c.provider, c.title, c.source, c.settings, c.from_config, c.rate_limit)
      is distinct from (excluded.connector, excluded.provider, excluded.title, excluded.source, excluded.settings, excluded.from_config, excluded.rate_limit)
   or @secrets_changed;
