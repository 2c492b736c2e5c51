-- +goose Up

-- A connection through which nothing can go out at present, whatever it is: its licence is used up, its password is wrong, its
-- server is away. One delivery probes when the time has come, the others wait without being tried. The row stays when the
-- pause is over: what made a connection pause again though others went out since has a trouble of its own.
create table delivery_pause (
	connection text        primary key,           -- as deliveries name it
	via        text        not null,              -- the configured connection that carries them out; mostly the same
	reason     jsonb       not null,              -- in words, by language
	person     boolean     not null default false, -- nothing mends it but an administrator
	since      timestamptz not null,
	until      timestamptz,                       -- then one delivery probes; null: it is over
	times      integer     not null default 1,    -- probes in a row that found it unmended, the first failure included
	probe      bigint,                            -- the delivery that probes, until then at the longest
	ended_at   timestamptz,
	check ((until is null) = (ended_at is not null))
);

alter table delivery add column halted_at timestamptz; -- when its connection paused because of it, last

-- +goose Down
alter table delivery drop column halted_at;
drop table delivery_pause;
