-- +goose Up

-- What the reports read, and all they read. Names here are the words of the reports; a change of the tables behind
-- them is made good here, once. Nothing is counted in these views: counting is the measures' business.

create view report_funnel as
select key as funnel, name_ru, name_en, position from funnel;

-- The steps of a funnel as its readers see them: the stages of open leads in order, then success.
create view report_step as
select funnel, key as stage, name_ru, name_en, position, probability
from stage where kind = 'open'
union all
select key, '+won', 'Успех', 'Won', 1000000, 100
from funnel;

create view report_source as
select key as source, name_ru, name_en from source;

create view report_connection as
select name as connection, coalesce(nullif(title, ''), name) as title from connection;

create view report_employee as
select id as employee_id, login, name, team from employee;

-- A person closes a lead as spam or as a duplicate of another: it is no lead then, and counts on a line of its own.
create view report_reason as
select key as reason, name_ru, name_en, kind, position,
	case when kind = 'junk' and key in ('spam', 'duplicate') then key else '' end as excluded
from loss_reason;

create view report_lead as
select id as lead_id, title, client_id, contact_id, funnel, currency, source, channel, connection, product, city, utm, repeat, test,
	created_at as received_at, first_response_at, closed_at, expected_close
from lead;

create view report_amount as
select lead_id, at, amount from lead_amount;

-- Visits to stages of open leads. What stands behind closing (the stages won, lost, junk) is told by report_close.
create view report_visit as
select v.lead_id, v.no, v.funnel, v.stage, s.position, v.entered_at, v.left_at, v.fate, v.owner_then as owner_id
from stage_visit v
join stage s on s.funnel = v.funnel and s.key = v.stage
where s.kind = 'open';

create view report_close as
select id, lead_id, kind, at, reason, comment, amount, stage_then as stage, owner_then as owner_id
from close_event;

create view report_assignment as
select id, lead_id, employee_id, at from assignment;

-- Spam never became a lead: it is told apart from them.
create view report_spam as
select id as inquiry_id, connection, channel, received_at from inquiry where state = 'spam';

create view report_client as
select id as client_id, name, inn from client;

create view report_contact as
select id as contact_id, name from contact;

create view report_contact_point as
select contact_id, kind, value from contact_point where contact_id is not null;

create index inquiry_spam on inquiry (received_at) where state = 'spam';
create index stage_visit_at on stage_visit using brin (entered_at); -- visits are written in the order of time

-- +goose Down
drop index stage_visit_at, inquiry_spam;
drop view report_contact_point, report_contact, report_client, report_spam, report_assignment, report_close, report_visit,
	report_amount, report_lead, report_reason, report_employee, report_connection, report_source, report_step, report_funnel;
