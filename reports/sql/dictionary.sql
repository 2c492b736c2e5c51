-- dictionary.sql: the names of all values of the dimensions, and their order where they have one.
select 'funnel' as dimension, '' as parent, funnel as key, name_ru, name_en, position from report_funnel
union all
select 'stage', funnel, funnel || '/' || stage, name_ru, name_en, position from report_step
union all
select 'source', '', source, name_ru, name_en, 0 from report_source
union all
select 'connection', '', connection, title, title, 0 from report_connection
union all
select 'owner', '', login, name, name, 0 from report_employee
union all
select distinct 'team', '', team, team, team, 0 from report_employee where team <> ''
union all
select 'reason', '', reason, name_ru, name_en, position from report_reason
order by 1, 6, 3
