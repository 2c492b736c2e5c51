package staff

import "slices"

// Permission says what a person may see and do (права доступа). It is not a
// performer role: roles say what work comes to them.
type Permission string

// The permissions of SURFACE section 2.
const (
	Admin    Permission = "admin"
	Head     Permission = "head"
	Manager  Permission = "manager"
	Marketer Permission = "marketer"
	Observer Permission = "observer"

	system Permission = "system" // nobody signs in with it
)

// Permissions in the order in which they are offered.
func Permissions() []Permission { return []Permission{Admin, Head, Manager, Marketer, Observer} }

// Valid reports whether the permission can be given to a person.
func (p Permission) Valid() bool { return slices.Contains(Permissions(), p) }

// Title is the permission in the words of the interface.
func (p Permission) Title(language string) string {
	titles := map[Permission][2]string{
		Admin:    {"Администратор", "Administrator"},
		Head:     {"Руководитель продаж", "Head of sales"},
		Manager:  {"Менеджер", "Manager"},
		Marketer: {"Маркетолог", "Marketer"},
		Observer: {"Наблюдатель", "Observer"},
		system:   {"Система", "System"},
	}
	if language == "en" {
		return titles[p][1]
	}
	return titles[p][0]
}

// Action is something a permission allows.
type Action string

// Actions. Those on a lead or task apply to the rows the actor sees (Scope).
const (
	SeeAllLeads       Action = "see-all-leads"      // without it: own leads, those one helps with, and unassigned ones
	SeeContactDetails Action = "see-contacts"       // phones and e-mails in full; without it masked
	CreateLead        Action = "create-lead"        // by hand
	EditLead          Action = "edit-lead"          // fields, amounts, interactions, close and move by way of the task
	AssignLead        Action = "assign-lead"        // to somebody else
	TakeLead          Action = "take-lead"          // an unassigned lead to oneself
	ReopenLead        Action = "reopen-lead"        // a closed one
	CloseWithoutTask  Action = "close-without-task" // a lead whose process has ended or stands on an incident
	WorkTasks         Action = "work-tasks"         // one's own and unassigned ones of one's roles
	WorkOthersTasks   Action = "work-others-tasks"  // anybody's; journaled as such
	ReassignTask      Action = "reassign-task"
	SkipAnyStep       Action = "skip-any-step" // also where the route map names another role for it
	SeeReports        Action = "see-reports"   // of one's own leads
	SeeAllReports     Action = "see-all-reports"
	SeeProcesses      Action = "see-processes" // route maps and their instances
	PublishProcesses  Action = "publish-processes"
	ManageInstances   Action = "manage-instances" // retry incidents, cancel
	ManageRules       Action = "manage-rules"     // start rules, funnels, dictionaries, calendars
	SeeConnections    Action = "see-connections"
	ManageConnections Action = "manage-connections"
	DecideFailures    Action = "decide-failures" // see what a connection could not take, try it again, give it up
	SeeDeadLetters    Action = "see-dead-letters"
	ReplayDeadLetters Action = "replay-dead-letters" // and discard
	SeeJournal        Action = "see-journal"
	MergeContacts     Action = "merge-contacts"
	ManagePersonal    Action = "manage-personal-data" // export and erase
	SeePeople         Action = "see-people"
	ManagePeople      Action = "manage-people"
)

// Actions lists every action, in the order of the table in the interface.
func Actions() []Action {
	return []Action{SeeAllLeads, SeeContactDetails, CreateLead, EditLead, AssignLead, TakeLead, ReopenLead, CloseWithoutTask,
		WorkTasks, WorkOthersTasks, ReassignTask, SkipAnyStep, SeeReports, SeeAllReports, SeeProcesses, PublishProcesses,
		ManageInstances, ManageRules, SeeConnections, ManageConnections, DecideFailures, SeeDeadLetters, ReplayDeadLetters, SeeJournal,
		MergeContacts, ManagePersonal, SeePeople, ManagePeople}
}

// allowed is the one place that says who may do what. Administrators and the
// system may do everything and are not listed.
var allowed = map[Permission][]Action{
	Head: {SeeAllLeads, SeeContactDetails, CreateLead, EditLead, AssignLead, TakeLead, ReopenLead, CloseWithoutTask,
		WorkTasks, WorkOthersTasks, ReassignTask, SkipAnyStep, SeeReports, SeeAllReports, SeeProcesses, PublishProcesses,
		ManageInstances, ManageRules, SeeConnections, SeeDeadLetters, ReplayDeadLetters, SeeJournal, MergeContacts, SeePeople},
	Manager: {SeeContactDetails, CreateLead, EditLead, TakeLead, WorkTasks, SeeReports, SeeProcesses, SeePeople},
	// The owner of the site connects forms and sees what each source brings,
	// never whom to call.
	Marketer: {SeeAllLeads, SeeReports, SeeAllReports, SeeProcesses, SeeConnections, ManageConnections},
	Observer: {SeeAllLeads, SeeContactDetails, SeeReports, SeeAllReports, SeeProcesses, SeeConnections, SeeJournal, SeePeople},
}

// Can reports whether the permission covers the action.
func (p Permission) Can(action Action) bool {
	return p == Admin || p == system || slices.Contains(allowed[p], action)
}

// Scope is which leads an actor sees, and how. Queries take it as a filter.
type Scope struct {
	// VisibleTo limits the rows to leads the employee owns, helps with or has had
	// a task on, and to unassigned ones; nil: all rows.
	VisibleTo *int64
	// Masked hides phones and e-mails.
	Masked bool
}

// ScopeOf is what the actor sees.
func ScopeOf(a Actor) Scope {
	s := Scope{Masked: !a.Can(SeeContactDetails)}
	if !a.Can(SeeAllLeads) {
		id := a.ID
		s.VisibleTo = &id
	}
	return s
}
