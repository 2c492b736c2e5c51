-- latest_inquiries.sql: of each lead the latest inquiry that came in.
select distinct on (i.lead_id) i.lead_id, {inquiry}
from inquiry i
where i.lead_id = any(@leads::bigint[]) and coalesce(i.details->>'direction', '') <> 'out'
order by i.lead_id, i.received_at desc, i.id desc;
