-- +goose Up
-- pg_trgm comes with every package of PostgreSQL that holds the contrib modules
-- (Debian: in postgresql-NN itself); it answers «содержит» in names and titles.
create extension if not exists pg_trgm;

-- +goose Down
drop extension pg_trgm;
