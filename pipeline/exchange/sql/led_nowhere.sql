-- led_nowhere.sql: open leads that a system holds and used to lead: what ran here about them was ended by nobody in person, or
-- nothing ever did.
select l.id
from lead l
left join lateral (
	select i.id, i.state from process_instance i where i.subject = l.id and i.root_id = i.id order by i.id desc limit 1
) i on true
where l.status = 'open' and not l.test
	and exists (select from exchange_link x where x.connection = @connection and x.kind = 'lead' and x.object_id = l.id and x.main and not x.gone)
	and (i.id is null or i.state = 'canceled' and exists (
		select from process_journal j where j.instance_id = i.id and j.command = 'cancel' and j.actor_id is null))
	and not exists (select from process_instance r where r.subject = l.id and r.ended_at is null)
order by l.id
limit @limit
