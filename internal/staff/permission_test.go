package staff

import (
	"slices"
	"strings"
	"testing"
)

// The table people argue about, as they would read it. Administrators may do
// everything.
func TestEachPermissionAllowsWhatItsTableSays(t *testing.T) {
	table := map[Action]string{
		SeeAllLeads:       "head marketer observer",
		SeeContactDetails: "head manager observer",
		CreateLead:        "head manager",
		EditLead:          "head manager",
		AssignLead:        "head",
		TakeLead:          "head manager",
		ReopenLead:        "head",
		CloseWithoutTask:  "head",
		WorkTasks:         "head manager",
		WorkOthersTasks:   "head",
		ReassignTask:      "head",
		SkipAnyStep:       "head",
		SeeReports:        "head manager marketer observer",
		SeeAllReports:     "head marketer observer",
		SeeProcesses:      "head manager marketer observer",
		PublishProcesses:  "head",
		ManageInstances:   "head",
		ManageRules:       "head",
		SeeConnections:    "head marketer observer",
		ManageConnections: "marketer",
		DecideFailures:    "",
		SeeDeadLetters:    "head",
		ReplayDeadLetters: "head",
		SeeJournal:        "head observer",
		MergeContacts:     "head",
		ManagePersonal:    "",
		SeePeople:         "head manager observer",
		ManagePeople:      "",
	}
	for _, action := range Actions() {
		want, listed := table[action]
		if !listed {
			t.Errorf("action %s is not in the table of this test", action)
		}
		for _, p := range []Permission{Head, Manager, Marketer, Observer} {
			if may := slices.Contains(strings.Fields(want), string(p)); p.Can(action) != may {
				t.Errorf("%s may %s: %t, want %t", p, action, p.Can(action), may)
			}
		}
		if !Admin.Can(action) || !System().Can(action) {
			t.Errorf("the administrator and the system may %s", action)
		}
		if Permission("").Can(action) {
			t.Errorf("nobody in particular may %s", action)
		}
	}
	if len(table) != len(Actions()) {
		t.Errorf("the table has %d actions, the program %d", len(table), len(Actions()))
	}
}

func TestManagerSeesOnlyRowsOfTheirOwnAndMarketerSeesNoPhones(t *testing.T) {
	manager := ScopeOf(Actor{ID: 7, Permission: Manager})
	if manager.VisibleTo == nil || *manager.VisibleTo != 7 || manager.Masked {
		t.Errorf("a manager's scope is %+v", manager)
	}
	marketer := ScopeOf(Actor{ID: 8, Permission: Marketer})
	if marketer.VisibleTo != nil || !marketer.Masked {
		t.Errorf("a marketer's scope is %+v", marketer)
	}
	head := ScopeOf(Actor{ID: 9, Permission: Head})
	if head.VisibleTo != nil || head.Masked {
		t.Errorf("a head's scope is %+v", head)
	}
}

func TestNobodyCanBeGivenThePermissionOfTheSystem(t *testing.T) {
	if system.Valid() || Permission("root").Valid() {
		t.Error("only the five permissions of the surface can be given")
	}
	if (Actor{}).IsSystem() || !System().IsSystem() {
		t.Error("only System() is the system")
	}
}
