-- turns.sql: the next n values of a role's sequence.
select nextval(quote_ident(@sequence)::regclass)
from generate_series(1, @n::integer)
