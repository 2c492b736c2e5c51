package personal

// Table says what of a table is of one person, and what is left of it.
type Table struct {
	Name string
	// Where finds the rows of a person; "" where there are none, and Why says so.
	Where string
	// Erase is the statement that forgets; {where} stands for Where. "": another table's does, as Why says.
	Erase string
	Why   string
	// Shown is a row as JSON; "": as it is. Bytes are shown in base64, and as far as they are letters and digits.
	Shown string
}

func (t Table) shown() string {
	if t.Shown == "" {
		return "to_jsonb(t)"
	}
	return t.Shown
}

const gone = "'данные удалены'"

// Tables are all tables of the database, in the order in which they are erased. A test compares the list with the database, so that
// nobody adds a table without saying whether it holds data of clients.
var Tables = []Table{
	// Calls, letters and forms as they came.
	{Name: "call_event", Where: "call_id = any(@calls)", Erase: "delete from call_event where {where}"},
	{Name: "call", Where: "id = any(@calls)", Erase: "delete from call where {where}"},
	{Name: "inquiry_conflict", Where: "inquiry_id = any(@inquiries)", Erase: "delete from inquiry_conflict where {where}",
		Shown: "to_jsonb(t) || jsonb_build_object('data', encode(data, 'base64'))"},
	{Name: "inquiry_raw", Where: "inquiry_id = any(@inquiries) or inquiry_id = any(@events)", Erase: "delete from inquiry_raw where {where}",
		Shown: "to_jsonb(t) || jsonb_build_object('data', encode(data, 'base64'), 'event', encode(event, 'escape'))"},
	{Name: "inquiry", Where: "id = any(@inquiries)", Erase: `update inquiry set subject = '', text = '', fields = '[]', details = '{}', files = '[]', vendor_id = '',
		state = case when state = 'dead' then 'discarded' else state end, reason = case when reason = '' then '' else ` + gone + ` end where {where}`},
	{Name: "lead_ref", Where: "lead_id = any(@leads)", Erase: "delete from lead_ref where {where}"},
	{Name: "interaction", Where: "lead_id = any(@leads) or contact_id = any(@contacts)", Erase: "update interaction set subject = '', text = '', details = '{}' where {where}"},

	// Who.
	{Name: "merge_proposal", Where: "older_id = any(@contacts) or newer_id = any(@contacts)", Erase: "delete from merge_proposal where {where}"},
	{Name: "contact_merge", Where: "kept_id = any(@contacts) or gone_id = any(@contacts)", Erase: "delete from contact_merge where {where}"},
	{Name: "contact_client", Where: "contact_id = any(@contacts)", Erase: "delete from contact_client where {where}"},
	{Name: "contact_point", Where: "contact_id = any(@contacts) or client_id = any(@clients)", Erase: "delete from contact_point where {where}"},
	{Name: "contact", Where: "id = any(@contacts)", Erase: "update contact set name = '', version = version + 1 where {where}"},
	{Name: "client", Where: "id = any(@clients)", Erase: "update client set name = " + gone + ", inn = '', kpp = '', fields = '{}', version = version + 1 where {where}"},

	// What they wanted, and what was done about it.
	{Name: "lead", Where: "id = any(@leads)", Erase: "update lead set title = " + gone + ", fields = '{}', utm = '{}', loss_comment = '', version = version + 1 where {where}"},
	{Name: "close_event", Where: "lead_id = any(@leads)", Erase: "update close_event set comment = '' where {where} and comment <> ''"},
	{Name: "assignment", Where: "lead_id = any(@leads)", Erase: "update assignment set why = '' where {where} and why <> ''"},
	{Name: "process_instance", Where: "id = any(@instances)", Erase: `update process_instance set snapshot = json_build_object('process', snapshot->'process', 'state', snapshot->'state',
		'last', snapshot->'last', 'outcomes', snapshot->'outcomes') where {where} and ended_at is not null`},
	{Name: "process_journal", Where: "subject = any(@leads)", Erase: "update process_journal set events = '[]' where {where}"},
	{Name: "task", Where: "subject = any(@leads)", Erase: "update task set title = element, title_en = '', hint = '', hint_en = '', comment = '', steps = null where {where}"},
	{Name: "incident", Where: "subject = any(@leads)", Erase: "update incident set reason = " + gone + " where {where}"},
	{Name: "notice", Where: "lead_id = any(@leads)", Erase: "delete from notice where {where}"},
	{Name: "journal", Where: "lead_id = any(@leads) or object = any(@objects)", Erase: `update journal set data = case
			when action in ('lead.stage', 'lead.assigned') then jsonb_strip_nulls(jsonb_build_object('from', data->'from', 'to', data->'to'))
			when action in ('lead.closed', 'lead.reopened') then jsonb_strip_nulls(jsonb_build_object('status', data->'status', 'reason', data->'reason'))
			when action like 'exchange.%' then jsonb_strip_nulls(jsonb_build_object('field', data->'field', 'kept', data->'kept', 'connection', data->'connection'))
			else '{}' end where {where}`},

	// Other systems.
	{Name: "delivery", Where: "lead_id = any(@leads) or object = any(@objects)", Erase: `update delivery set payload = 'null', last_error = '',
		state = case when state in ('waiting', 'parked') then 'discarded' else state end,
		done_at = case when state in ('waiting', 'parked') then @now else done_at end where {where} and state <> 'leased'`},
	{Name: "exchange_conflict", Where: ofObject, Erase: "delete from exchange_conflict where {where}"},
	// gone: nothing of it is written there, or taken from there, any more.
	{Name: "exchange_link", Where: ofObject, Erase: "update exchange_link set agreed = '{}', gone = true, revision = revision + 1 where {where}"},

	// In transit.
	{Name: "spool", Why: "events on their way for seconds; they become an inquiry, which is covered"},

	// Nothing of clients: numbers, moments and keys only.
	{Name: "contact_turn", Why: "numbers of contacts"},
	{Name: "lead_amount", Why: "amounts of a lead"},
	{Name: "stage_visit", Why: "stages and moments"},
	{Name: "subscription", Why: "which process waits for which message"},
	{Name: "timer", Why: "which process waits until when"},
	{Name: "connection", Why: "settings; troubles are words of servers"},
	{Name: "connection_count", Why: "counts"},
	{Name: "connection_cursor", Why: "how far pollers have come"},
	{Name: "connection_failure", Why: "numbers of letters and records, and words of servers about them"},
	{Name: "connection_token", Why: "hashes of tokens"},
	{Name: "delivery_pause", Why: "words of servers about themselves"},
	{Name: "gateway_process", Why: "processes of ours"},

	// What the company set up, and its own people.
	{Name: "funnel", Why: dictionary}, {Name: "stage", Why: dictionary}, {Name: "source", Why: dictionary}, {Name: "loss_reason", Why: dictionary},
	{Name: "own_field", Why: dictionary}, {Name: "process_definition", Why: dictionary}, {Name: "start_rule", Why: dictionary}, {Name: "calendar", Why: dictionary},
	{Name: "performer_role", Why: dictionary}, {Name: "role_member", Why: employees}, {Name: "employee", Why: employees}, {Name: "absence", Why: employees},
	{Name: "session", Why: employees}, {Name: "api_token", Why: employees},
	{Name: "goose_db_version", Why: "which migrations were made"},
}

const (
	dictionary = "set up by the company"
	employees  = "of employees, who are no clients"
	ofObject   = "kind = 'contact' and object_id = any(@contacts) or kind = 'client' and object_id = any(@clients) or kind = 'lead' and object_id = any(@leads) or kind = 'outcome' and object_id = any(@tasks)"
)
