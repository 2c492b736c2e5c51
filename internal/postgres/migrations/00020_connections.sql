-- +goose Up
create table connection (
	name        text primary key check (name ~ '^[a-z0-9][a-z0-9_-]*$'),
	connector   text        not null,
	provider    text        not null,
	title       text        not null default '',
	source      text        not null default '', -- key of the source an inquiry gets when it names none
	settings    jsonb       not null default '{}',
	sealed      bytea,                            -- secrets of the settings, sealed with secret_key
	from_config boolean     not null default false, -- comes from the YAML file: read-only in the interface
	enabled     boolean     not null default true,
	rate_limit  integer     not null default 600 check (rate_limit > 0), -- inquiries a minute
	created_at  timestamptz not null,
	updated_at  timestamptz not null,
	trouble     text        not null default '', -- why it cannot work at present, told by what polls it
	trouble_at  timestamptz
);

-- A connection's address holds a token. Two are valid while one is being replaced.
create table connection_token (
	connection text        not null references connection on delete cascade,
	token_hash bytea       not null,
	sealed     bytea,      -- the token itself, sealed, so that its address can be shown again
	created_at timestamptz not null,
	expires_at timestamptz,
	primary key (connection, token_hash)
);

-- What has happened on a connection, counted by the processes that saw it and added up now and then.
create table connection_count (
	connection text    not null,
	day        date    not null,
	outcome    text    not null check (outcome in ('accepted', 'duplicate', 'refused', 'limited', 'spam', 'test', 'failed')),
	count      bigint  not null,
	last_at    timestamptz not null,
	primary key (connection, day, outcome)
);

-- Where a poller stands. The shape of position belongs to its connector.
create table connection_cursor (
	connection text        not null,
	part       text        not null,
	position   jsonb       not null,
	updated_at timestamptz not null,
	primary key (connection, part)
);

-- +goose Down
drop table connection_cursor, connection_count, connection_token, connection;
