-- set_lead_contact.sql: a lead of nobody known gets its person.
update lead set contact_id = @contact, version = version + 1 where id = @id and contact_id is null;
