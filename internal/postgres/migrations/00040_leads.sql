-- +goose Up

-- Dictionaries. The database is the truth; configs and the demo company fill them.
create table funnel (
	key      text primary key,
	name_ru  text    not null,
	name_en  text    not null,
	position integer not null
);

create table stage (
	funnel      text    not null references funnel,
	key         text    not null,
	name_ru     text    not null,
	name_en     text    not null,
	position    integer not null,
	probability numeric(5, 2) not null check (probability between 0 and 100), -- per cent
	kind        text    not null default 'open' check (kind in ('open', 'won', 'lost', 'junk')),
	norm_hours  integer not null default 0, -- working hours a lead should stay at most; 0: no norm
	primary key (funnel, key)
);

create table source (
	key     text primary key,
	name_ru text not null,
	name_en text not null
);

create table loss_reason (
	key            text primary key,
	name_ru        text    not null,
	name_en        text    not null,
	kind           text    not null check (kind in ('lost', 'junk')),
	needs_comment  boolean not null default false,
	position       integer not null
);

create table own_field (
	key      text primary key check (key ~ '^[a-z][a-z0-9_]*$'),
	name_ru  text    not null,
	name_en  text    not null,
	kind     text    not null check (kind in ('text', 'number', 'date', 'choice', 'bool')),
	choices  text[]  not null default '{}',
	position integer not null
);

-- Who.
create table client (
	id         bigint generated always as identity primary key,
	kind       text        not null default 'company' check (kind in ('company', 'person')),
	name       text        not null,
	inn        text        not null default '',
	kpp        text        not null default '',
	owner_id   bigint      references employee,
	fields     jsonb       not null default '{}',
	created_at timestamptz not null,
	version    integer     not null default 1
);
create unique index client_inn on client (inn, kpp) where inn <> '';

create table contact (
	id          bigint generated always as identity primary key,
	name        text        not null default '', -- as written
	not_client  boolean     not null default false, -- «не клиент»: calls and letters open no lead
	merged_into bigint      references contact,
	created_at  timestamptz not null,
	version     integer     not null default 1
);

create table contact_client (
	contact_id bigint not null references contact,
	client_id  bigint not null references client,
	position   text   not null default '', -- what the person does there
	primary key (contact_id, client_id)
);
create index contact_client_client on contact_client (client_id);

-- A phone (E.164), an e-mail (lower case, IDN folded) or a messenger id. It belongs to a contact, or, like a switchboard, to a client only.
create table contact_point (
	kind       text        not null check (kind in ('phone', 'email', 'messenger')),
	value      text        not null check (value <> ''),
	written    text        not null default '', -- as the client wrote it the first time
	extension  text        not null default '', -- of a phone; no part of the identity
	-- Deferred: a point is filed first, which locks it, and its contact follows in the same transaction.
	contact_id bigint      references contact deferrable initially deferred,
	client_id  bigint      references client,
	created_at timestamptz not null,
	primary key (kind, value),
	check (contact_id is null or client_id is null)
) with (fillfactor = 85); -- locking a known point rewrites its row in place
create index contact_point_contact on contact_point (contact_id);
create index contact_point_client on contact_point (client_id) where client_id is not null;

-- Whose turn it is with a contact: inquiries of one person that come by different points at once are filed one after the
-- other, and find each other's lead. A row of its own, because people who work on a lead change its contact after
-- they locked the lead, and inquiries look for the lead after they found the contact.
create table contact_turn (
	contact_id bigint primary key
) with (fillfactor = 50);

create table merge_proposal (
	id         bigint generated always as identity primary key,
	older_id   bigint      not null references contact,
	newer_id   bigint      not null references contact,
	inquiry_id text        not null,
	state      text        not null default 'open' check (state in ('open', 'accepted', 'declined')),
	created_at timestamptz not null,
	decided_at timestamptz,
	decided_by bigint      references employee,
	unique (older_id, newer_id),
	check (older_id <> newer_id)
);

-- Two contacts made one, with what moved, so that it can be undone.
create table contact_merge (
	id        bigint generated always as identity primary key,
	kept_id   bigint      not null references contact,
	gone_id   bigint      not null references contact,
	at        timestamptz not null,
	by        bigint      references employee,
	moved     jsonb       not null, -- {"points": [[kind, value]], "clients": [], "leads": [], "inquiries": [], "interactions": []}
	undone_at timestamptz,
	undone_by bigint      references employee
);

-- What somebody wants.
create table lead (
	id                bigint generated always as identity primary key,
	title             text        not null,
	client_id         bigint      references client,
	contact_id        bigint      references contact,
	funnel            text        not null, -- with stage: one foreign key is enough, each costs capture three per cent
	stage             text        not null,
	status            text        not null default 'open' check (status in ('open', 'won', 'lost', 'junk')),
	amount            numeric(18, 2) check (amount >= 0),
	currency          text        not null default 'RUB',
	items             jsonb       not null default '[]',
	probability       numeric(5, 2) not null default 0,
	expected_close    date,
	loss_reason       text        references loss_reason,
	loss_comment      text        not null default '',
	owner_id          bigint      references employee,
	helpers           bigint[]    not null default '{}',
	source            text        not null default '',
	channel           text        not null,
	connection        text        not null default '',
	utm               jsonb       not null default '{}', -- of the first inquiry: source, medium, campaign, content, term
	repeat            boolean     not null default false, -- the client is not new
	test              boolean     not null default false,
	priority          integer     not null default 0,
	product           text        not null default '',
	city              text        not null default '',
	fields            jsonb       not null default '{}',
	created_at        timestamptz not null, -- when the first inquiry was received
	first_response_at timestamptz,          -- first human outgoing contact
	closed_at         timestamptz,
	last_activity_at  timestamptz not null,
	version           integer     not null default 1,
	foreign key (funnel, stage) references stage (funnel, key),
	check ((status = 'open') = (closed_at is null)),
	check (status not in ('lost', 'junk') or loss_reason is not null)
) with (fillfactor = 85);
create index lead_contact_open on lead (contact_id, funnel) where status = 'open';
create index lead_contact on lead (contact_id);
create index lead_client on lead (client_id) where client_id is not null;
create index lead_owner on lead (owner_id, status);
create index lead_created on lead (created_at, id); -- the order of the list and its pages

-- One message from a client through a channel. id is the Event's ID: the unique index that makes a repeat change nothing.
create table inquiry (
	id           text primary key,
	connection   text        not null,
	channel      text        not null,
	state        text        not null check (state in ('filed', 'spam', 'test', 'dead', 'discarded')),
	received_at  timestamptz not null,
	filed_at     timestamptz not null,
	lead_id      bigint      references lead,
	contact_id   bigint,     -- no foreign key here and at interaction: contacts are never deleted, and checking costs known clients a sixth of the rate
	vendor_id    text        not null default '',
	body_hash    bytea       not null,
	subject      text        not null default '',
	text         text        not null default '',
	fields       jsonb       not null default '[]', -- [{"key","label","value"}] in the order they came, recognised or not
	details      jsonb       not null default '{}', -- name, points, utm, click ids, landing page, referrer, ip, user agent, consent, items, amount, call
	files        jsonb       not null default '[]', -- [{"name","type","size","ref"}]
	trace        text        not null default '',
	repeats      integer     not null default 0,
	reason       text        not null default '', -- why it is dead, in words
	fault        text        not null default '', -- class of the reason
	attempts     integer     not null default 0,
	check (state <> 'filed' or lead_id is not null or contact_id is not null or channel <> ''),
	check (state <> 'dead' or reason <> '')
);
create index inquiry_lead on inquiry (lead_id);
create index inquiry_dead on inquiry (received_at) where state = 'dead';
create index inquiry_connection on inquiry (connection, received_at);
create index inquiry_test on inquiry (lead_id) where state = 'test';

-- The event as it came, for replay and proof, as long as retention keeps it.
create table inquiry_raw (
	inquiry_id text primary key,
	event      bytea not null, -- pipeline.Event without Data, as JSON
	data       bytea not null,
	data_ref   text  not null default ''
);

-- Same vendor id, other content: kept to be shown.
create table inquiry_conflict (
	id          bigint generated always as identity primary key,
	inquiry_id  text        not null,
	received_at timestamptz not null,
	body_hash   bytea       not null,
	data        bytea       not null,
	unique (inquiry_id, body_hash)
);

-- One contact with the client, incoming or outgoing.
create table interaction (
	id          bigint generated always as identity primary key,
	lead_id     bigint      references lead,
	contact_id  bigint,
	client_id   bigint,
	direction   text        not null check (direction in ('in', 'out', 'none')), -- none: a note
	kind        text        not null check (kind in ('form', 'call', 'letter', 'message', 'meeting', 'note', 'onec')),
	at          timestamptz not null,
	employee_id bigint      references employee, -- who made or answered it
	human       boolean     not null default true, -- false: an automatic reply, a robot
	answered    boolean     not null default true,
	seconds     integer     not null default 0,  -- of talk
	subject     text        not null default '',
	text        text        not null default '',
	details     jsonb       not null default '{}',
	inquiry_id  text,
	created_at  timestamptz not null
);
create index interaction_lead on interaction (lead_id, at);
create index interaction_contact on interaction (contact_id, at);
create index interaction_client on interaction (client_id, at) where client_id is not null;
create index interaction_at on interaction using brin (at);

-- The facts behind the reports: stored, never overwritten (only an open visit or assignment gets its end).
create table stage_visit (
	id         bigint generated always as identity primary key,
	lead_id    bigint      not null references lead,
	funnel     text        not null,
	stage      text        not null,
	no         integer     not null, -- which visit of the lead to any stage, from 1
	entered_at timestamptz not null,
	left_at    timestamptz,
	entered_by bigint,
	owner_then bigint,
	fate       text        check (fate in ('advanced', 'lost', 'junk', 'back', 'other_funnel', 'won')), -- how it left
	unique (lead_id, no),
	check ((left_at is null) = (fate is null))
);
create unique index stage_visit_current on stage_visit (lead_id) where left_at is null;
create index stage_visit_entered on stage_visit (funnel, stage, entered_at);

create table close_event (
	id         bigint generated always as identity primary key,
	lead_id    bigint      not null references lead,
	kind       text        not null check (kind in ('won', 'lost', 'junk', 'reopened')),
	at         timestamptz not null,
	by         bigint,
	reason     text        references loss_reason,
	comment    text        not null default '',
	amount     numeric(18, 2),
	stage_then text        not null,
	owner_then bigint,
	check (kind not in ('lost', 'junk') or reason is not null)
);
create index close_event_at on close_event (at);
create index close_event_lead on close_event (lead_id, at);

-- What a lead was thought to be worth, and since when: a row when it opens with an amount and at every change of it.
create table lead_amount (
	lead_id bigint      not null references lead,
	at      timestamptz not null,
	amount  numeric(18, 2), -- null: it was taken away
	by      bigint,
	primary key (lead_id, at)
);

create table assignment (
	id          bigint generated always as identity primary key,
	lead_id     bigint      not null references lead,
	employee_id bigint      references employee, -- null: unassigned
	at          timestamptz not null,
	left_at     timestamptz,
	by          bigint,
	why         text        not null default ''
);
create index assignment_lead on assignment (lead_id, at);

-- Who did what to a lead, a client, a contact, a connection, a person or a setting, and what was refused.
create table journal (
	id       bigint generated always as identity primary key,
	at       timestamptz not null,
	actor_id bigint,               -- null: the system
	lead_id  bigint,
	object   text        not null, -- "lead:17", "contact:4", "task:9", "process:inquiry"
	action   text        not null, -- "lead.created", "task.refused", ...
	data     jsonb       not null default '{}'
);
create index journal_lead on journal (lead_id, id) where lead_id is not null;
create index journal_object on journal (object, id);

-- +goose Down
drop table contact_turn, contact_merge, journal, assignment, lead_amount, close_event, stage_visit, interaction, inquiry_conflict, inquiry_raw, inquiry, lead,
	merge_proposal, contact_point, contact_client, contact, client, own_field, loss_reason, source, stage, funnel;
