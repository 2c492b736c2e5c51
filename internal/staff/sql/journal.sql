-- journal.sql: one line of who did what to a person or a setting.
insert into journal (at, actor_id, object, action, data)
values (@at, @actor, @object, @action, @data)
