-- +goose Up

-- An assignment ends where the next one of its lead begins: its end is not kept beside that. A lead that is not yet
-- anybody's has none.
alter table assignment drop column left_at;

-- +goose Down
alter table assignment add column left_at timestamptz;
update assignment a set left_at = (select min(n.at) from assignment n where n.lead_id = a.lead_id and (n.at, n.id) > (a.at, a.id));
