-- +goose Up

-- The events of a command are read and written whole, like the snapshot beside them.
alter table process_journal alter column events type json using events::json;

-- +goose Down
alter table process_journal alter column events type jsonb using events::jsonb;
