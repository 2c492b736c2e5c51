-- +goose Up

-- A call while it is put together from what the exchange tells of it, in any order. Its row is the lock that everything
-- about the call takes first. What becomes of it is an inquiry, filed once.
create table call (
	id          bigint generated always as identity primary key,
	connection  text        not null,
	key         text        not null, -- order key of its events
	inquiry_id  text        not null unique,
	first_at    timestamptz not null, -- when we first heard of it
	-- As it stands, for the screens of those whose telephones ring.
	state       text        not null default 'over' check (state in ('ringing', 'talking', 'over')),
	direction   text        not null default 'in',
	number      text        not null default '', -- the other side's, E.164
	dialled     text        not null default '',
	extensions  text[]      not null default '{}',
	since       timestamptz,
	shown_until timestamptz,
	inquiry     jsonb,                -- as understood so far; null: it concerns no client
	due_at      timestamptz,          -- when to file it though its final word has not come; null: nothing to wait for
	filed_at    timestamptz,
	filed       jsonb,                -- the inquiry's call as it was filed: a later word that differs amends it
	unique (connection, key)
);
create index call_due on call (due_at) where due_at is not null;
create index call_live on call using gin (extensions) where state <> 'over';
create index call_first on call (first_at);

-- What each event contributed. Its id is unique: that makes a repeat change nothing.
create table call_event (
	event_id  text primary key,
	call_id   bigint      not null references call on delete cascade,
	at        timestamptz not null,
	body_hash bytea       not null,
	data      jsonb       not null
);
create index call_event_call on call_event (call_id);

-- A later word on a filed call finds its interaction.
create index interaction_call on interaction (inquiry_id) where kind = 'call' and inquiry_id is not null;

-- +goose Down
drop index interaction_call;
drop table call_event, call;
