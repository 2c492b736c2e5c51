-- elsewhere.sql: objects of other systems that are the person's too.
select connection || ' ' || kind || ' ' || ref from exchange_link
where version <> '' and (kind = 'contact' and object_id = any(@contacts::bigint[]) or kind = 'client' and object_id = any(@clients::bigint[])
	or kind = 'lead' and object_id = any(@leads::bigint[]) or kind = 'outcome' and object_id = any(@tasks::bigint[]))
order by 1;
