-- +goose Up

-- What a poller could not take: a letter that cannot be fetched. A row goes when it went well after all.
create table connection_failure (
	connection text        not null,
	part       text        not null, -- folder and UIDVALIDITY
	item       text        not null, -- UID
	attempts   integer     not null default 0,
	reason     text        not null default '',
	since      timestamptz not null,
	last_at    timestamptz not null,
	aside_at   timestamptz, -- since when it is passed over
	primary key (connection, part, item)
);

-- What a lead is known by outside: Message-IDs of its letters, the number a form gave its submission. Whoever answers or
-- repeats it names one of them.
create table lead_ref (
	ref     text   primary key,
	lead_id bigint -- no foreign key, as at inquiry: leads are never deleted. Null: it was named, and no lead opened by it.
) with (fillfactor = 85);
create index lead_ref_lead on lead_ref (lead_id);

-- +goose Down
drop table lead_ref, connection_failure;
