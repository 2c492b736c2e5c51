-- +goose Up

-- The list of calls, the latest first, without looking through the forms and letters between them.
create index interaction_calls on interaction (at desc, id desc) where kind = 'call';

-- +goose Down
drop index interaction_calls;
