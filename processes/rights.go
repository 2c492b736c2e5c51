package processes

import (
	"slices"
	"time"

	"marshrut/internal/staff"
)

// mayWork reports whether the actor may work the task: who it is given to, who
// stands in for him while he is away, a performer of the role while nobody has
// it, a helper on the case who performs that role, and those whose permission
// lets them act for anybody. The owner of the case is not among them: what is
// addressed to his head he must not decide himself.
func mayWork(people *staff.Directory, now time.Time, actor staff.Actor, subject Subject, t *taskRow) bool {
	switch {
	case actor.Can(staff.WorkOthersTasks):
		return true
	case !actor.Can(staff.WorkTasks):
		return false
	case t.Assignee == actor.ID:
		return true
	case t.Assignee == 0 && t.Role == "":
		return true
	case t.Assignee == 0:
		return people.Holds(actor.ID, t.Role)
	}
	if substitute, ok := people.Substitute(now, t.Assignee); ok && substitute == actor.ID {
		return true
	}
	return slices.Contains(subject.Helpers, actor.ID) && (t.Role == "" || people.Holds(actor.ID, t.Role))
}

// roles are the performer roles of the actor as of now, those included that an
// administrator stands in for.
func roles(people *staff.Directory, actor staff.Actor) []string {
	var held []string
	for _, r := range people.Roles() {
		if people.Holds(actor.ID, r.Key) {
			held = append(held, r.Key)
		}
	}
	return held
}
