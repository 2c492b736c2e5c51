-- +goose Up

-- Events waiting to go on. A lane is hash(order key) mod 16; within a lane they
-- are handled in the order of id. Everything of the outside world is bytea, so
-- that neither a NUL nor a broken encoding can make a row fail.
create table spool (
	topic      text        not null,
	lane       smallint    not null check (lane between 0 and 15),
	id         bigint      not null generated always as identity,
	spooled_at timestamptz not null,
	envelope   bytea       not null, -- pipeline.Event without Data, see spool/codec.go
	data       bytea       not null,
	primary key (topic, lane, id)
) with (
	-- Every row is deleted soon after it came: vacuum by count, not by share of
	-- the table, and without pauses, or the index fills with dead entries.
	autovacuum_vacuum_scale_factor = 0,
	autovacuum_vacuum_threshold = 2000,
	autovacuum_vacuum_insert_scale_factor = 0,
	autovacuum_vacuum_insert_threshold = 20000,
	autovacuum_vacuum_cost_delay = 0,
	autovacuum_analyze_scale_factor = 0,
	autovacuum_analyze_threshold = 100000,
	toast.autovacuum_vacuum_scale_factor = 0,
	toast.autovacuum_vacuum_threshold = 2000,
	toast.autovacuum_vacuum_cost_delay = 0
);

-- What has to go out, written in the transaction that caused it.
create table delivery (
	id              bigint      primary key generated always as identity,
	connection      text        not null,
	kind            text        not null,            -- what to do there: "webhook", "letter", ...
	object          text        not null default '', -- rows of one object keep their order; '': no order
	sequence        bigint      not null default 0,  -- order within the object, then id
	payload         jsonb       not null,
	idempotency_key text        not null unique,
	instance_id     bigint,                          -- the process instance and token that wait for it
	token           integer,
	lead_id         bigint,
	state           text        not null default 'waiting'
		check (state in ('waiting', 'leased', 'done', 'parked', 'discarded')),
	attempts        integer     not null default 0,
	due_at          timestamptz not null,            -- when waiting: not before; when leased: when the lease ends
	lease_until     timestamptz,
	last_error      text        not null default '',
	created_at      timestamptz not null,
	done_at         timestamptz,
	check ((state in ('done', 'discarded')) = (done_at is not null)),
	check ((state = 'leased') = (lease_until is not null))
) with (
	fillfactor = 85,
	autovacuum_vacuum_scale_factor = 0.02,
	autovacuum_vacuum_cost_delay = 0
);
create index delivery_due on delivery (connection, due_at, id) where state in ('waiting', 'leased');
-- A parked row is open too: nothing of its object overtakes it until a person
-- has replayed or discarded it.
create index delivery_object on delivery (connection, object, sequence, id)
	where state in ('waiting', 'leased', 'parked') and object <> '';
create index delivery_parked on delivery (id) where state = 'parked';
create index delivery_lead on delivery (lead_id) where lead_id is not null;
create index delivery_instance on delivery (instance_id) where instance_id is not null;

-- +goose Down
drop table delivery, spool;
