-- +goose Up

-- Objects that another system holds as well. agreed is what both had when they were compared last: with it, who has changed a
-- field since can be told from who has not, and what we wrote ourselves from what somebody wrote there.
create table exchange_link (
	connection text        not null,
	kind       text        not null check (kind in ('lead', 'client', 'contact', 'outcome')),
	object_id  bigint      not null, -- ours
	ref        text        not null, -- theirs
	main       boolean     not null default true, -- false: a second object of theirs that is the same one of ours
	agreed     jsonb       not null default '{}',
	version    text        not null default '',   -- theirs when compared last; '': it was never there
	heard      text        not null default '',   -- the latest version that was told of
	heard_at   timestamptz,
	changed_at timestamptz not null,              -- ours, last
	created_at timestamptz not null,
	gone       boolean     not null default false,
	revision   integer     not null default 0,
	primary key (connection, kind, ref)
) with (fillfactor = 80);
create unique index exchange_link_object on exchange_link (connection, kind, object_id) where main;

-- Both sides had changed a field, or one a field that is the other's. Written before the loser's value is written over.
create table exchange_conflict (
	id         bigint      generated always as identity primary key,
	connection text        not null,
	kind       text        not null,
	object_id  bigint      not null,
	lead_id    bigint,
	ref        text        not null,
	field      text        not null,
	version    text        not null, -- of theirs
	ours       text        not null,
	theirs     text        not null,
	kept       text        not null check (kept in ('ours', 'theirs')),
	rule       text        not null check (rule in ('we', 'they', 'later')),
	at         timestamptz not null,
	unique (connection, kind, ref, field, version, ours)
);
create index exchange_conflict_object on exchange_conflict (kind, object_id);

-- +goose Down
drop table exchange_conflict, exchange_link;
