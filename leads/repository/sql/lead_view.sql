-- lead_view.sql: one lead with how often its client turned to us and who works on it.
select {lead}, (select count(*) from inquiry i where i.lead_id = l.id),
	coalesce((select jsonb_agg(jsonb_build_object('id', e.id, 'login', e.login, 'name', e.name)) from employee e where e.id = l.owner_id), '[]'),
	coalesce((select jsonb_agg(jsonb_build_object('id', e.id, 'login', e.login, 'name', e.name) order by e.name) from employee e where e.id = any(l.helpers)), '[]')
from lead l
where l.id = @id;
