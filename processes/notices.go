package processes

import (
	"fmt"

	"marshrut/internal/staff"
)

// Texts of notices, Russian and English. %[1]s is the title of the task, %[2]s
// the title of the case.
var (
	arrivedText  = [2]string{"Новая задача «%[1]s»: %[2]s", "New task “%[1]s”: %[2]s"}
	offeredText  = [2]string{"Свободная задача «%[1]s»: %[2]s", "Task to take “%[1]s”: %[2]s"}
	hungText     = [2]string{"Некому выполнить задачу «%[1]s»: %[2]s", "Nobody can do the task “%[1]s”: %[2]s"}
	remindText   = [2]string{"Скоро срок задачи «%[1]s»: %[2]s", "The task “%[1]s” is due soon: %[2]s"}
	overdueText  = [2]string{"Просрочена задача «%[1]s»: %[2]s", "The task “%[1]s” is overdue: %[2]s"}
	takenText    = [2]string{"Задача «%[1]s» передана другому: %[2]s", "The task “%[1]s” was given to somebody else: %[2]s"}
	incidentText = [2]string{"Бизнес-процесс «%[1]s» остановился: %[2]s", "The process “%[1]s” stands still: %[2]s"}
)

// announce tells who has to know that a task has come to somebody, except the
// person who brought it about: that one sees it anyway.
func (t *turn) announce(row *taskRow, by int64) {
	switch {
	case row.Hung:
		t.notifyAll(t.people.Heads(), staff.TaskHung, row, hungText)
	case row.Assignee == 0:
		for _, id := range t.offeredTo(row.Role) {
			if id != by {
				t.notify(id, staff.TaskArrived, row, offeredText)
			}
		}
	case row.Assignee != by:
		t.notify(row.Assignee, staff.TaskArrived, row, arrivedText)
	}
}

// gone tells the pages of who had a task that it is not theirs any more. Who brought it about sees it anyway.
func (t *turn) gone(row *taskRow, by int64) {
	if row.Assignee != 0 && row.Assignee != by {
		t.changes.notices = append(t.changes.notices, notice{employee: row.Assignee, kind: staff.TaskGone, subject: row.Subject, task: row})
	}
}

// offeredTo are the performers of a role who are told of work for any of them:
// those on shift, or all when nobody is.
func (t *turn) offeredTo(role string) []int64 {
	if working := t.people.OnShift(t.now, role); len(working) > 0 {
		return working
	}
	return t.people.Members(role)
}

// remind tells of a task whose deadline is near: its assignee, or those who may
// take it.
func (t *turn) remind(row *taskRow) {
	if row.Assignee != 0 {
		t.notify(row.Assignee, staff.TaskOverdue, row, remindText)
		return
	}
	t.notifyAll(t.offeredTo(row.Role), staff.TaskOverdue, row, remindText)
}

func (t *turn) notifyAll(employees []int64, kind string, row *taskRow, text [2]string) {
	for _, id := range employees {
		t.notify(id, kind, row, text)
	}
}

func (t *turn) notify(employee int64, kind string, row *taskRow, text [2]string) {
	if employee == 0 {
		return
	}
	title, format := row.Title, text[0]
	if e, _ := t.people.Employee(employee); e.Language == "en" {
		format = text[1]
		if row.TitleEn != "" {
			title = row.TitleEn
		}
	}
	t.changes.notices = append(t.changes.notices, notice{employee: employee, kind: kind, subject: row.Subject, task: row,
		text: fmt.Sprintf(format, title, t.subjects[row.Subject].Title)})
}

// notice is the action notify of a route map: text, and role or to (owner).
func (t *turn) notice(in *instance, params map[string]any) {
	text, _ := params["text"].(string)
	role, _ := params["role"].(string)
	to, _ := params["to"].(string)
	if role != "" {
		to = "role:" + role
	}
	for _, id := range t.addressees(to, &taskRow{Subject: in.subject}) {
		t.changes.notices = append(t.changes.notices, notice{employee: id, kind: staff.Attention, subject: in.subject, text: text})
	}
}

// trouble tells the heads of sales of a process that stands still.
func (t *turn) trouble(subject int64, process, reason string) {
	if t.people == nil {
		return
	}
	for _, id := range t.people.Heads() {
		text := incidentText[0]
		if e, _ := t.people.Employee(id); e.Language == "en" {
			text = incidentText[1]
		}
		t.changes.notices = append(t.changes.notices, notice{employee: id, kind: staff.Trouble, subject: subject, text: fmt.Sprintf(text, process, reason)})
	}
}
