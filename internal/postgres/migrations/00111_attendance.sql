-- +goose Up

-- The processes of the gateway that run, each saying so itself: without it what nobody does any more looks as it was left.
create table gateway_process (
	id         text        primary key,
	host       text        not null,
	roles      text[]      not null, -- edge, worker, web
	started_at timestamptz not null,
	seen_at    timestamptz not null
);

alter table connection add column confirmed_at timestamptz; -- when the other side last answered its poller as it should

-- +goose Down
alter table connection drop column confirmed_at;
drop table gateway_process;
