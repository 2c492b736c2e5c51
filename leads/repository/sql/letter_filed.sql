-- letter_filed.sql: whether a letter that we sent is in the history of its lead already.
select exists (select from interaction where lead_id = @lead and kind = 'letter' and details->>'message_id' = @message_id::text);
