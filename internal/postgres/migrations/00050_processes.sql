-- +goose Up
create table process_definition (
	id           bigint generated always as identity primary key,
	key          text        not null, -- the id of the BPMN process
	version      integer     not null,
	name         text        not null,
	xml          bytea       not null,
	hash         bytea       not null,
	published_at timestamptz not null,
	published_by bigint,
	unique (key, version)
);

-- First match wins per subject.
create table start_rule (
	id        bigint generated always as identity primary key,
	position  integer not null,
	name      text    not null default '',
	condition text    not null default '', -- expr; empty: always
	process   text    not null,
	funnel    text    not null default '', -- the funnel a new lead opens in; empty: the first
	lane      text    not null default 'sale', -- rules of different lanes run beside each other: a missed call beside the sale
	enabled   boolean not null default true
);

create table process_instance (
	id            bigint generated always as identity primary key,
	definition_id bigint      not null references process_definition,
	root_id       bigint      not null, -- itself, or the instance that called the chain
	parent_id     bigint      references process_instance,
	parent_token  integer,
	subject       bigint      not null, -- the lead; processes do not know what it is
	state         text        not null check (state in ('active', 'incident', 'completed', 'terminated', 'canceled')),
	snapshot      jsonb       not null, -- engine.Instance
	revision      integer     not null,
	started_at    timestamptz not null,
	ended_at      timestamptz,
	check ((state in ('active', 'incident')) = (ended_at is null))
) with (fillfactor = 70);
create index process_instance_subject on process_instance (subject, id);
create index process_instance_root on process_instance (root_id) where root_id <> id;
create index process_instance_incident on process_instance (started_at) where state = 'incident';

-- A read model of the user tasks in the snapshots.
create table task (
	id          bigint generated always as identity primary key,
	instance_id bigint      not null references process_instance,
	no          integer     not null, -- the engine's number of the task inside the instance
	subject     bigint      not null,
	process     text        not null,
	element     text        not null,
	title       text        not null,
	hint        text        not null default '',
	role        text        not null default '',
	assignee_id bigint      references employee,
	status      text        not null default 'open' check (status in ('open', 'done', 'canceled')),
	hung        boolean     not null default false, -- nobody can do it: shown to the head
	priority    integer     not null default 0,
	created_at  timestamptz not null,
	start_by    timestamptz,
	warn_at     timestamptz,
	due_at      timestamptz,
	done_at     timestamptz,
	done_by     bigint,
	outcome     text        not null default '',
	comment     text        not null default '',
	revision    integer     not null default 1,
	unique (instance_id, no)
) with (fillfactor = 80);
create index task_assignee_open on task (assignee_id, due_at) where status = 'open';
create index task_subject on task (subject, id);
create index task_role_open on task (role) where status = 'open' and assignee_id is null;

create table timer (
	instance_id bigint      not null references process_instance,
	no          integer     not null,
	subject     bigint      not null,
	due_at      timestamptz not null,
	attempts    integer     not null default 0,
	primary key (instance_id, no)
);
create index timer_due on timer (due_at);

create table subscription (
	instance_id bigint  not null references process_instance,
	no          integer not null,
	subject     bigint  not null,
	message     text    not null,
	primary key (instance_id, no)
);
create index subscription_message on subscription (subject, message);

create table incident (
	id          bigint generated always as identity primary key,
	instance_id bigint      references process_instance, -- null: the process could not even start
	no          integer     not null default 0,
	subject     bigint      not null,
	process     text        not null,
	element     text        not null default '',
	reason      text        not null,
	at          timestamptz not null,
	resolved_at timestamptz,
	resolved_by bigint
);
create index incident_open on incident (at) where resolved_at is null;

-- What each command did to an instance: append only.
create table process_journal (
	instance_id bigint      not null,
	revision    integer     not null,
	subject     bigint      not null,
	at          timestamptz not null,
	actor_id    bigint,
	command     text        not null,
	events      jsonb       not null,
	primary key (instance_id, revision)
);
create index process_journal_subject on process_journal (subject, at);

-- +goose Down
drop table process_journal, incident, subscription, timer, task, process_instance, start_rule, process_definition;
