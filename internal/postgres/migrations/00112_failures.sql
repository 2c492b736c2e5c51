-- +goose Up

-- What people decided about something a poller could not take.
alter table connection_failure
	add column retry_at timestamptz,                 -- somebody wants it tried once more, since
	add column left_at  timestamptz,                 -- somebody gave it up
	add column left_by  text not null default '',    -- who, as they are called
	add column left_why text not null default '';

-- +goose Down
alter table connection_failure drop column retry_at, drop column left_at, drop column left_by, drop column left_why;
