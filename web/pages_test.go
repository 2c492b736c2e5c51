package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"marshrut/leads"
	"marshrut/processes"
)

// says fails unless the answer has the status and all the texts.
func (a answer) says(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d; %s", a.status, status, inWords(a.body))
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the page does not say %q:\n%s", text, inWords(a.body))
		}
	}
}

func (a answer) leadsTo(t *testing.T, to string) {
	t.Helper()
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), to) {
		t.Fatalf("status %d to %q, want 303 to %q; %s", a.status, a.header.Get("Location"), to, inWords(a.body))
	}
}

// inWords is the main part of a page without its tags.
func inWords(body string) string {
	if at := strings.Index(body, `id="main"`); at >= 0 {
		body = body[at:]
	}
	var b strings.Builder
	inTag := false
	for _, r := range body {
		switch {
		case r == '<':
			inTag = true
		case r == '>':
			inTag = false
			b.WriteByte(' ')
		case !inTag:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestAPersonSignsInWithTheirOwnPasswordOnly(t *testing.T) {
	s := newStack(t)
	v := s.visitor()
	v.get("/leads").leadsTo(t, "/sign-in?to=%2Fleads")
	v.post("/sign-in", "login", "anna", "password", "wrong password").says(t, http.StatusUnauthorized, "Неверный логин или пароль", `value="anna"`)
	v.post("/sign-in", "login", "anna", "password", password, "to", "/leads").leadsTo(t, "/leads")
	v.get("/leads").says(t, http.StatusOK, "Анна Кузнецова")
	v.post("/sign-out").leadsTo(t, "/sign-in")
	v.get("/leads").leadsTo(t, "/sign-in")
}

func TestASignInLeadsToNoForeignPage(t *testing.T) {
	s := newStack(t)
	for _, to := range []string{"//evil.example", "https://evil.example", `/\evil.example`, "javascript:alert(1)"} {
		if a := s.visitor().post("/sign-in", "login", "anna", "password", password, "to", to); a.header.Get("Location") != "/" {
			t.Errorf("to %q leads to %q", to, a.header.Get("Location"))
		}
	}
}

func TestAOneTimePasswordHasToBeChangedFirst(t *testing.T) {
	s := newStack(t)
	admin := s.as("root")
	page := admin.post("/people", "login", "vera", "name", "Вера Новикова", "permission", "manager", "roles", "manager")
	page.says(t, http.StatusOK, "Одноразовый пароль", "vera")
	oneTime := page.body[strings.Index(page.body, "<b>vera</b>: <code>")+len("<b>vera</b>: <code>"):]
	oneTime = oneTime[:strings.Index(oneTime, "<")]

	v := s.visitor()
	v.post("/sign-in", "login", "vera", "password", oneTime).leadsTo(t, "/")
	v.get("/tasks").leadsTo(t, "/profile/password")
	v.post("/profile/password", "old", oneTime, "new", "short", "again", "short").says(t, http.StatusUnprocessableEntity, "Пароль слишком короткий")
	v.post("/profile/password", "old", oneTime, "new", "a long new password", "again", "another one").says(t, http.StatusUnprocessableEntity, "не совпали")
	v.post("/profile/password", "old", oneTime, "new", "a long new password", "again", "a long new password").leadsTo(t, "/")
	v.get("/tasks").says(t, http.StatusOK, "Мои задачи")
}

func TestTasksAreListedByUrgency(t *testing.T) {
	s := newStack(t)
	_, _ = s.lead("anna")
	anna := s.as("anna")
	anna.get("/tasks").says(t, http.StatusOK, "Сегодня", "Связаться с клиентом")
	s.pass(3 * time.Hour)
	anna.get("/tasks").says(t, http.StatusOK, "Просрочено")
}

func TestTheHeadReadsThatWorkIsLate(t *testing.T) {
	s := newStack(t)
	s.lead("anna")
	s.pass(2 * time.Hour)
	if _, err := s.Processes.TakeDue(t.Context(), s.now(), 100); err != nil {
		t.Fatal(err)
	}
	olga := s.as("olga")
	page := olga.get("/tasks")
	page.says(t, http.StatusOK, "Новости", "Связаться с клиентом")
	to := page.body[strings.Index(page.body, `name="to" value="`)+len(`name="to" value="`):]
	olga.post("/news/read", "to", to[:strings.Index(to, `"`)]).leadsTo(t, "/tasks")
	if again := olga.get("/tasks"); strings.Contains(again.body, "Новости") {
		t.Error("the news are still there")
	}
	olga.post("/news/read", "to", "all").says(t, http.StatusBadRequest)
}

func TestATaskIsDoneStepByStepAndNamesWhatIsMissing(t *testing.T) {
	s := newStack(t)
	lead, task := s.lead("anna")
	anna := s.as("anna")
	work := fmt.Sprintf("/tasks/%d/work", task.ID)
	revision := func() string { return fmt.Sprint(s.task(lead).Revision) }

	anna.get(fmt.Sprintf("/tasks/%d", task.ID)).leadsTo(t, fmt.Sprintf("/leads/%d?task=%d", lead, task.ID))
	anna.get(fmt.Sprintf("/leads/%d", lead)).says(t, http.StatusOK, "Прочитать историю", "Сначала: Прочитать историю", "Поговорили", "Карта маршрута", "Хочу теплицу")

	// Out of order, and with steps missing: refused by name, and what was typed stays.
	anna.post(work, "do", "reach", "revision", revision(), "v.reach", "не спешит").says(t, http.StatusUnprocessableEntity, "по порядку", "Прочитать историю")
	anna.post(work, "outcome", "talked", "revision", revision(), "comment", "просит подождать").says(t, http.StatusUnprocessableEntity,
		"Прочитать историю", "Позвонить или написать клиенту", "просит подождать")

	// The evidence is missing until the call is in the history.
	anna.post(work, "do", "read", "revision", revision()).leadsTo(t, "/leads/")
	anna.post(work, "do", "reach", "revision", revision()).says(t, http.StatusUnprocessableEntity, "ещё нет исходящего контакта")
	anna.post(work, "do", "reach|answered", "revision", revision(), "v.reach", "Нужна теплица к маю").leadsTo(t, "/leads/")
	anna.post(work, "outcome", "talked", "revision", "1").says(t, http.StatusConflict, "изменил")
	anna.post(work, "outcome", "talked", "revision", revision()).leadsTo(t, fmt.Sprintf("/leads/%d", lead))

	next := s.task(lead)
	if next.ID == task.ID {
		t.Fatal("the task is still open")
	}
	anna.get(fmt.Sprintf("/leads/%d", lead)).says(t, http.StatusOK, next.Title, "Связаться с клиентом", "Нужна теплица к маю", "Задача выполнена")
	anna.get("/tasks?status=done").says(t, http.StatusOK, "Поговорили")
	anna.post(work, "outcome", "talked", "revision", "2").says(t, http.StatusConflict)
}

func TestWhatAStaleWindowTypedIsKeptBesideWhatWasDoneMeanwhile(t *testing.T) {
	s := newStack(t)
	lead, task := s.lead("anna")
	anna := s.as("anna")
	work := fmt.Sprintf("/tasks/%d/work", task.ID)
	anna.post(work, "do", "read", "revision", "1").leadsTo(t, "/leads/")
	anna.get(fmt.Sprintf("/leads/%d", lead)).says(t, http.StatusOK, `name="was.reach"`)

	// The first window has done the call; the second typed about it and chooses something else.
	anna.post(work, "do", "reach|answered", "v.reach", "Перезвонить в среду").leadsTo(t, "/leads/")
	kept := anna.post(work, "do", "callback", "v.callback", s.now().AddDate(0, 0, 3).Format("2006-01-02"), "was.callback", "", "was.reach", "", "v.reach", "Ждёт замер в четверг")
	kept.says(t, http.StatusOK, "Пока вы печатали", "Анна Кузнецова", "Перезвонить в среду", "Ждёт замер в четверг")

	// And over what the first window has answered nothing is written unseen.
	anna.post(work, "do", "junk_reason", "v.junk_reason", "spam").leadsTo(t, "/leads/")
	anna.post(work, "do", "junk_reason", "v.junk_reason", "mistake", "was.junk_reason", "").says(t, http.StatusConflict, "уже выполнено", "Спам", `name="again.junk_reason"`)
	anna.post(work, "do", "junk_reason", "v.junk_reason", "mistake", "was.junk_reason", "spam", "again.junk_reason", "1").leadsTo(t, "/leads/")
}

func TestWhatCameOtherwiseUnderTheSameNumberIsShown(t *testing.T) {
	s := newStack(t)
	in := s.form("Иван Петров", "+79120000031", "Хочу окно")
	in.BodyHash = []byte("first")
	lead := s.arrive(in)[0].LeadID
	in.BodyHash, in.Text, in.ReceivedAt = []byte("other"), "Хочу две двери", s.now()
	s.arrive(in)
	olga := s.as("olga")
	olga.get(leadAddress(lead)).says(t, http.StatusOK, "пришло с другим содержанием", "Хочу окно → Хочу две двери")
	olga.get("/connections/at/site").says(t, http.StatusOK, "Пришло иначе")
	v := s.program("olga").get("/inquiries/" + in.ID).want(http.StatusOK).object()
	if text := fmt.Sprint(v["differences"]); fmt.Sprint(v["conflicts"]) != "1" || !strings.Contains(text, "Хочу две двери") {
		t.Errorf("the inquiry says %v", v)
	}
}

func TestAnAuthorisedSkipTakesAReason(t *testing.T) {
	s := newStack(t)
	lead, task := s.lead("anna")
	work := fmt.Sprintf("/tasks/%d/work", task.ID)
	s.as("anna").post(work, "skip", "read", "why.read", "спешу").says(t, http.StatusForbidden, "нельзя")
	olga := s.as("olga")
	olga.post(work, "skip", "read").says(t, http.StatusUnprocessableEntity, "Укажите, почему")
	olga.post(work, "skip", "read", "why.read", "клиент постоянный").leadsTo(t, "/leads/")
	olga.get(fmt.Sprintf("/leads/%d", lead)).says(t, http.StatusOK, "клиент постоянный")
}

func TestAnotherManagersTaskIsNotThere(t *testing.T) {
	s := newStack(t)
	lead, task := s.lead("anna")
	boris := s.as("boris")
	boris.get(fmt.Sprintf("/leads/%d", lead)).says(t, http.StatusNotFound)
	boris.get(fmt.Sprintf("/tasks/%d", task.ID)).says(t, http.StatusNotFound)
	boris.post(fmt.Sprintf("/tasks/%d/work", task.ID), "do", "read").says(t, http.StatusNotFound)
	boris.post(fmt.Sprintf("/leads/%d/edit", lead), "version", "1", "title", "моё").says(t, http.StatusNotFound)
	s.as("oleg").post(fmt.Sprintf("/tasks/%d/work", task.ID), "do", "read").says(t, http.StatusForbidden)
	if got := s.task(lead); got.Steps[0].Done {
		t.Error("a step was done by somebody who may not")
	}
}

func TestFieldsAreEditedAndAStaleFormKeepsWhatWasTyped(t *testing.T) {
	s := newStack(t)
	lead, _ := s.lead("anna")
	anna, olga := s.as("anna"), s.as("olga")
	edit := fmt.Sprintf("/leads/%d/edit", lead)
	version := s.version(lead)
	anna.post(edit, "version", version, "title", "Теплица 3×6", "amount", "много", "own.area", "18").says(t, http.StatusUnprocessableEntity, "Не понимаем сумму", `value="18"`, `value="много"`)
	olga.post(edit, "version", version, "city", "Казань").leadsTo(t, "/leads/")
	anna.post(edit, "version", version, "title", "Теплица 3×6", "city", "Уфа", "amount", "12 500,50").says(t, http.StatusConflict, "лид изменился", "Казань", `value="Уфа"`)
	anna.post(edit, "version", s.version(lead), "title", "Теплица 3×6", "city", "Уфа", "amount", "12 500,50", "own.area", "18", "expected_close", "2026-04-01").leadsTo(t, "/leads/")
	anna.get(fmt.Sprintf("/leads/%d", lead)).says(t, http.StatusOK, "Теплица 3×6", "Уфа", "500,50", "1\u00a0апреля", "Площадь, м²")
}

func (s *stack) version(lead int64) string {
	s.t.Helper()
	v, err := s.Leads.Lead(s.t.Context(), lead)
	s.must(err)
	return fmt.Sprint(v.Version)
}

func TestALeadIsClosedThroughItsTaskOnly(t *testing.T) {
	s := newStack(t)
	lead, task := s.lead("anna")
	anna := s.as("anna")
	closing := fmt.Sprintf("/leads/%d/close", lead)
	anna.post(closing, "how", "junk|spam", "comment", "реклама").says(t, http.StatusUnprocessableEntity, "Прочитать историю", "реклама")
	anna.post(closing, "how", "won").says(t, http.StatusConflict, "не ведёт")
	s.as("olga").post(closing, "how", "junk|spam", "skip_reason", "очевидный спам").leadsTo(t, "/leads/")
	anna.get(fmt.Sprintf("/leads/%d", lead)).says(t, http.StatusOK, "Некачественный", "Спам", "очевидный спам")
	if done, err := s.Processes.Task(t.Context(), task.ID); err != nil || done.Status == processes.TaskOpen {
		t.Errorf("the task is still open: %v", err)
	}
	anna.post(fmt.Sprintf("/leads/%d/reopen", lead), "reason", "ошиблись").says(t, http.StatusForbidden)
	s.as("olga").post(fmt.Sprintf("/leads/%d/reopen", lead), "reason", "ошиблись").leadsTo(t, "/leads/")
	if task := s.task(lead); task.Status != processes.TaskOpen {
		t.Error("no task after reopening")
	}
}

func TestContactsAreLoggedAndNotesNeedText(t *testing.T) {
	s := newStack(t)
	lead, _ := s.lead("anna")
	anna := s.as("anna")
	log := fmt.Sprintf("/leads/%d/contacts", lead)
	anna.post(log, "kind", "note|none").says(t, http.StatusUnprocessableEntity, "Напишите текст заметки")
	anna.post(log, "kind", "call|out", "answered", "no").leadsTo(t, "/leads/")
	anna.post(log, "kind", "letter|in", "text", "Пришлите каталог").leadsTo(t, "/leads/")
	anna.get(fmt.Sprintf("/leads/%d?kind=contact", lead)).says(t, http.StatusOK, "Звонок клиенту, не ответили", "Пришлите каталог")
}

func TestLeadsAreFoundAndFiltered(t *testing.T) {
	s := newStack(t)
	first := s.arrive(s.form("Пётр Кедров", "+7 912 000-11-22", "Забор"))[0].LeadID
	second := s.arrive(s.form("Мария Липова", "+7 912 000-33-44", "Ворота"))[0].LeadID
	olga := s.as("olga")
	page := olga.get("/leads?q=" + urlEscape("Кедров"))
	page.says(t, http.StatusOK, fmt.Sprintf("/leads/%d", first))
	if strings.Contains(page.body, fmt.Sprintf(`"/leads/%d"`, second)) {
		t.Error("the search found the other one too")
	}
	olga.get("/leads?status=won").says(t, http.StatusOK, "Таких лидов нет")
	olga.get("/leads?q="+urlEscape("912 000-33-44")).says(t, http.StatusOK, "Мария Липова")
	var w words
	w.Funnels = []leads.Funnel{{Key: "sales", Stages: []leads.Stage{{Key: "new"}, {Key: "contract"}}}}
	if w.place("sales", "new") >= w.place("sales", "contract") || w.place("sales", "gone") <= w.place("sales", "contract") {
		t.Error("the sums of the stages do not stand in the order of the funnel")
	}
	olga.get("/leads?from=2026-99-99").says(t, http.StatusBadRequest)
	olga.get("/leads?cursor=forged").says(t, http.StatusUnprocessableEntity)
}

func TestALeadIsTypedInOnceHoweverOftenTheButtonIsClicked(t *testing.T) {
	s := newStack(t)
	anna := s.as("anna")
	anna.post("/leads/new", "key", "k1", "phone", "+7 912 555-66-77").says(t, http.StatusUnprocessableEntity, "Укажите имя", "7 912 555-66-77")
	anna.post("/leads/new", "key", "k1", "name", "Вера", "phone", "не помню").says(t, http.StatusUnprocessableEntity, "Не понимаем телефон")
	a := anna.post("/leads/new", "key", "k1", "name", "Вера", "phone", "8 912 555-66-77", "text", "Окна", "amount", "50000", "source", "ads")
	a.leadsTo(t, "/leads/")
	again := anna.post("/leads/new", "key", "k1", "name", "Вера", "phone", "8 912 555-66-77", "text", "Окна", "amount", "50000", "source", "ads")
	if again.header.Get("Location") != a.header.Get("Location") {
		t.Errorf("the second click made another lead: %q and %q", a.header.Get("Location"), again.header.Get("Location"))
	}
	anna.get(a.header.Get("Location")).says(t, http.StatusOK, "Вера", "Анна Кузнецова", "Реклама")
}

func TestAnUnassignedLeadIsTaken(t *testing.T) {
	s := newStack(t)
	lead, _ := s.lead("anna")
	s.as("olga").post(fmt.Sprintf("/leads/%d/assign", lead), "owner", "", "reason", "уволилась").leadsTo(t, "/leads/")
	boris := s.as("boris")
	boris.get("/unassigned").says(t, http.StatusOK, fmt.Sprintf("/leads/%d/take", lead))
	boris.post(fmt.Sprintf("/leads/%d/take", lead)).leadsTo(t, "/leads/")
	v, err := s.Leads.Lead(t.Context(), lead)
	s.must(err)
	if v.Owner == nil || v.Owner.Login != "boris" {
		t.Errorf("the lead belongs to %v", v.Owner)
	}
}

func TestAMarketerSeesNoPhones(t *testing.T) {
	s := newStack(t)
	lead := s.arrive(s.form("Иван", "+7 912 345-67-89", "Позвоните на +7 912 345-67-89 или ivan@example.ru"))[0].LeadID
	mark := s.as("mark")
	for _, path := range []string{fmt.Sprintf("/leads/%d", lead), "/leads", "/reports/funnel/leads?column=leads"} {
		a := mark.get(path)
		for _, secret := range []string{"345-67-89", "3456789", "ivan@"} {
			if strings.Contains(a.body, secret) {
				t.Errorf("%s (%d) shows %q to a marketer", path, a.status, secret)
			}
		}
	}
	mark.get(fmt.Sprintf("/leads/%d", lead)).says(t, http.StatusOK, "•••89")
}

func TestReportsAreShownFilteredAndSent(t *testing.T) {
	s := newStack(t)
	s.lead("anna")
	s.pass(time.Hour)
	olga := s.as("olga")
	olga.get("/reports").says(t, http.StatusOK, "Воронка", "Причины отказов")
	olga.get("/reports/funnel").says(t, http.StatusOK, "<svg", "Определения", "/reports/funnel/leads?")
	for _, clock := range []string{"cohort", "flow", "snapshot"} {
		olga.get("/reports/funnel?clock="+clock).says(t, http.StatusOK, "Воронка")
	}
	olga.get("/reports/loss-reasons").says(t, http.StatusOK, "Причины отказов")
	olga.get("/reports/funnel?last=2026-03-17&from=2026-03-01").says(t, http.StatusOK, `value="2026-03-17"`)
	olga.get("/reports/funnel?clock=snapshot&as_of=2026-03-15").says(t, http.StatusOK, "на конец дня 15.03.2026", `value="2026-03-15"`)
	olga.get("/reports/funnel?from=yesterday").says(t, http.StatusUnprocessableEntity)
	for _, query := range []string{"owner=zzz", "funnel=zzz", "channel=zzz"} {
		olga.get("/reports/funnel?"+query).says(t, http.StatusUnprocessableEntity, "«zzz» нет")
		for _, file := range []string{"funnel.csv", "funnel.xlsx", "funnel.json", "funnel/leads"} {
			olga.get("/reports/"+file+"?column=leads&"+query).says(t, http.StatusUnprocessableEntity)
		}
	}
	for _, query := range []string{"owner=anna", "owner=-", "channel=form"} {
		olga.get("/reports/funnel?"+query).says(t, http.StatusOK)
	}
	olga.get("/reports/nothing").says(t, http.StatusNotFound)
	olga.get("/reports/funnel/leads?column=leads").says(t, http.StatusOK, "Иван Петров")
	if a := olga.get("/reports/funnel.xlsx"); a.status != http.StatusOK || !strings.HasPrefix(a.body, "PK") || !strings.Contains(a.header.Get("Content-Disposition"), ".xlsx") {
		t.Errorf("the workbook: %d, %.20q, %q", a.status, a.body, a.header.Get("Content-Disposition"))
	}
	if a := olga.get("/reports/funnel.csv"); a.status != http.StatusOK || !strings.HasPrefix(a.body, "\ufeff") {
		t.Errorf("csv: %d, %.20q", a.status, a.body)
	}
	olga.get("/reports/funnel.json").says(t, http.StatusOK, `"report":"funnel"`)
}

func TestRouteMapsAreShownCheckedAndPublished(t *testing.T) {
	s := newStack(t)
	lead, task := s.lead("anna")
	olga := s.as("olga")
	olga.get("/processes").says(t, http.StatusOK, "inquiry", "missed_call")
	olga.get("/processes/inquiry").says(t, http.StatusOK, `class="flowmap"`, "Связаться с клиентом")
	file := olga.get("/processes/inquiry/file")
	file.says(t, http.StatusOK, "<bpmn:process")
	olga.get(fmt.Sprintf("/instances/%d", task.Instance)).says(t, http.StatusOK, `fm-element current`, "процесс начат")
	olga.upload("/processes", "map.bpmn", "this is no map", "only", "check").says(t, http.StatusUnprocessableEntity, "не файл BPMN")
	olga.upload("/processes", "map.bpmn", strings.Replace(file.body, `id="read" kind="confirm"`, `id="read" kind="dance"`, 1)).says(t, http.StatusUnprocessableEntity, "ошибка")
	olga.upload("/processes", "map.bpmn", strings.Replace(file.body, "Прочитать историю", "Прочесть историю", 1)).leadsTo(t, "/processes/inquiry")
	olga.get("/processes/inquiry").says(t, http.StatusOK, "Версия 2")
	s.as("anna").upload("/processes", "map.bpmn", file.body).says(t, http.StatusForbidden)
	olga.post(fmt.Sprintf("/instances/%d/cancel", task.Instance), "reason", "").says(t, http.StatusUnprocessableEntity)
	olga.post(fmt.Sprintf("/instances/%d/cancel", task.Instance), "reason", "дубль").leadsTo(t, "/instances/")
	olga.get(fmt.Sprintf("/leads/%d", lead)).says(t, http.StatusOK, "Открытых задач нет")
}

func TestStartRulesAreEditedAndTriedBeforeTheyAreSaved(t *testing.T) {
	s := newStack(t)
	s.lead("anna")
	olga := s.as("olga")
	olga.get("/rules").says(t, http.StatusOK, "inquiry")
	form := []string{"name.0", "С сайта", "lane.0", "sale", "process.0", "inquiry", "condition.0", `lead.city == `, "enabled.0", "1", "place.0", "2",
		"name.1", "Остальное", "lane.1", "sale", "process.1", "inquiry", "enabled.1", "1", "place.1", "3"}
	olga.post("/rules", form...).says(t, http.StatusUnprocessableEntity, "Правила не сохранены", "lead.city ==")
	form[7] = `inquiry.channel == 'form'`
	olga.post("/rules", append(form, "try", "1")...).says(t, http.StatusOK, "Иван Петров", "«С сайта»")
	olga.post("/rules", form...).leadsTo(t, "/rules")
	list, err := s.Casework.Rules(t.Context())
	s.must(err)
	if len(list) != 2 || list[0].Condition != form[7] {
		t.Errorf("the rules are %+v", list)
	}
}

func TestTheJournalNamesWhatWasRefused(t *testing.T) {
	s := newStack(t)
	_, task := s.lead("anna")
	s.as("anna").post(fmt.Sprintf("/tasks/%d/work", task.ID), "outcome", "talked", "revision", fmt.Sprint(task.Revision))
	olga := s.as("olga")
	olga.get("/journal?action=task.").says(t, http.StatusOK, "Не выполнено", "Анна Кузнецова", "Прочитать историю")
	olga.get("/journal?actor=olga&action=task.").says(t, http.StatusOK, "Записей нет")
}

func TestAPersonSetsLanguageThemeAndTokens(t *testing.T) {
	s := newStack(t)
	anna := s.as("anna")
	anna.post("/profile/language", "language", "en").leadsTo(t, "/profile")
	anna.get("/tasks").says(t, http.StatusOK, `lang="en"`, "My tasks")
	anna.post("/profile/theme", "theme", "dark").leadsTo(t, "/profile")
	anna.get("/tasks").says(t, http.StatusOK, `data-theme="dark"`)
	anna.post("/profile/tokens", "name", "1С").says(t, http.StatusForbidden)
	root := s.as("root")
	root.post("/profile/tokens", "name", "").says(t, http.StatusUnprocessableEntity, "для чего токен")
	root.post("/profile/tokens", "name", "1С").says(t, http.StatusOK, "mrt_")
	own, err := s.Staff.Tokens(t.Context(), "root")
	s.must(err)
	root.post("/profile/tokens/999999/revoke").says(t, http.StatusNotFound)
	root.post(fmt.Sprintf("/profile/tokens/%d/revoke", own[0].ID)).leadsTo(t, "/profile")
}

func TestPeopleAreChangedByAdministratorsOnly(t *testing.T) {
	s := newStack(t)
	s.as("olga").get("/people").says(t, http.StatusOK, "Анна Кузнецова")
	s.as("olga").post("/people/anna/switch").says(t, http.StatusForbidden)
	root := s.as("root")
	anna := s.as("anna")
	root.get("/people/anna").says(t, http.StatusOK, `value="Анна Кузнецова"`)
	root.post("/people/anna", "name", "Анна Морозова", "permission", "manager", "roles", "manager", "roles", "duty", "language", "ru").leadsTo(t, "/people")
	root.get("/people").says(t, http.StatusOK, "Анна Морозова", "Дежурный")
	root.post("/people/anna/switch").leadsTo(t, "/people")
	anna.get("/tasks").leadsTo(t, "/sign-in")
	root.post("/people/root/switch").says(t, http.StatusConflict, "последний администратор")
	root.post("/people", "login", "boris", "name", "Второй", "permission", "manager").says(t, http.StatusUnprocessableEntity, "уже занят")
}

func TestPagesForbidWhatTheyDoNotNeed(t *testing.T) {
	s := newStack(t)
	a := s.as("anna").get("/tasks")
	policy := a.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'self'") || strings.Contains(policy, "unsafe") || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", a.header)
	}
	lead := s.history()
	root := s.as("root")
	for name, path := range s.places(lead) {
		body := root.get(path).body
		for _, inline := range []string{` style="`, ` onclick="`, ` onload="`, "<script>", "<style", "javascript:"} {
			if strings.Contains(body, inline) {
				t.Errorf("%s holds %q, which the policy of the pages forbids", name, inline)
			}
		}
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	s := newStack(t)
	v := s.as("olga")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.http.URL+"/profile/theme", strings.NewReader("theme=dark"))
	s.must(err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", "https://evil.example")
	v.do(request).says(t, http.StatusForbidden)
}

func TestMaskingHidesNumbersAndAddressesInAnyText(t *testing.T) {
	for text, want := range map[string]string{
		"Позвоните: +7 (912) 345-67-89!": "Позвоните: •••89!",
		"пишите ivan.petrov@mail.ru":     "пишите •••@mail.ru",
		"заказ 12345 на 18 м²":           "заказ 12345 на 18 м²",
	} {
		if got := masked(text); got != want {
			t.Errorf("masked(%q) = %q, want %q", text, got, want)
		}
	}
	if p := maskedPoint(leads.ContactPoint{Kind: leads.KindPhone, Value: "+79123456789"}); strings.Contains(p.Value, "345") {
		t.Errorf("a masked point shows %q", p.Value)
	}
}
