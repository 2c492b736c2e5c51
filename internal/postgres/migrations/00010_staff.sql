-- +goose Up
-- Working calendars: week is {"mon": ["09:00-18:00"], ...}, days are exceptions {"2026-01-01": []} over the holidays.
create table calendar (
	key      text primary key,
	name     text  not null,
	timezone text  not null,
	holidays text  not null default 'ru' check (holidays in ('', 'ru')), -- the production calendar it follows
	week     jsonb not null,
	days     jsonb not null default '{}'
);

create table employee (
	id                   bigint generated always as identity primary key,
	login                text        not null unique check (login <> '' and login = lower(login)),
	name                 text        not null check (name <> ''),
	permission           text        not null check (permission in ('admin', 'head', 'manager', 'marketer', 'observer')),
	team                 text        not null default '',
	email                text        not null default '',
	extension            text        not null default '', -- of the telephone exchange
	language             text        not null default 'ru' check (language in ('ru', 'en')),
	calendar             text        references calendar, -- working hours; null: those of the company
	password_hash        text        not null default '', -- argon2id, PHC string; empty: cannot sign in
	must_change_password boolean     not null default false,
	created_at           timestamptz not null,
	disabled_at          timestamptz
);

-- Roles to which route maps address work. Each has a sequence role_turn_KEY for its round-robin.
create table performer_role (
	key     text primary key check (key ~ '^[a-z][a-z0-9_]*$'),
	name_ru text not null,
	name_en text not null
);

create table role_member (
	role        text   not null references performer_role on delete cascade,
	employee_id bigint not null references employee,
	primary key (role, employee_id)
);

create table absence (
	id            bigint generated always as identity primary key,
	employee_id   bigint      not null references employee,
	substitute_id bigint      references employee check (substitute_id <> employee_id),
	starts_at     timestamptz not null,
	ends_at       timestamptz not null,
	reason        text        not null default '',
	check (starts_at < ends_at)
);
create index absence_employee on absence (employee_id, ends_at);

create table session (
	token_hash  bytea primary key,
	employee_id bigint      not null references employee,
	created_at  timestamptz not null,
	seen_at     timestamptz not null,
	expires_at  timestamptz not null
);
create index session_employee on session (employee_id);

create table api_token (
	id          bigint generated always as identity primary key,
	token_hash  bytea       not null unique,
	employee_id bigint      not null references employee,
	name        text        not null,
	created_at  timestamptz not null,
	used_at     timestamptz,
	revoked_at  timestamptz
);

-- What the system tells a person: a task arrived, work is overdue, a decision is needed.
create table notice (
	id          bigint generated always as identity primary key,
	employee_id bigint      not null references employee,
	at          timestamptz not null,
	kind        text        not null,
	lead_id     bigint,
	task_id     bigint,
	text        text        not null,
	read_at     timestamptz,
	xid         xid8        not null default pg_current_xact_id() -- its transaction: who tails the table misses no late commit
);
create index notice_unread on notice (employee_id, id) where read_at is null;
create index notice_employee on notice (employee_id, id);
create index notice_xid on notice (xid);

-- +goose Down
drop table notice, api_token, session, absence, role_member, performer_role, employee, calendar;
