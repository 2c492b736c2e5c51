-- led_here.sql: open leads that a system holds, about which something runs here.
select l.id
from lead l
where l.status = 'open'
	and exists (select from exchange_link x where x.connection = @connection and x.kind = 'lead' and x.object_id = l.id and x.main and x.version <> '' and not x.gone)
	and exists (select from process_instance i where i.subject = l.id and i.ended_at is null)
order by l.id
limit @limit
