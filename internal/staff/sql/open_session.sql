-- open_session.sql: remember a session by the hash of its token.
insert into session (token_hash, employee_id, created_at, seen_at, expires_at)
values (@token, @employee, @now, @now, @expires)
