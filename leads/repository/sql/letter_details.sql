-- letter_details.sql: what else is known of a letter that we sent.
update interaction set details = jsonb_build_object('message_id', @message_id::text, 'to', @to::text) where id = @id;
