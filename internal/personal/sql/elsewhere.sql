-- elsewhere.sql: objects of other systems that are the person's too, {where} as in tables.go.
select connection || ' ' || kind || ' ' || ref from exchange_link
where version <> '' and ({where})
order by 1;
