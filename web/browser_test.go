package web

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"marshrut/leads"
	"marshrut/processes"
)

// action is something done in a browser.
type action = chromedp.Action[chromedp.Void]

// browser is a Chromium of its own, in which nobody has been yet. `make test` installs Chromium.
func (s *stack) browser(width, height int64, options ...action) context.Context {
	s.t.Helper()
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(s.t.TempDir()), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true), chromedp.Flag("lang", "ru"), chromedp.Flag("force-color-profile", "srgb"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	s.t.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocator)
	s.t.Cleanup(end)
	s.run(ctx, append([]action{chromedp.EmulateViewport(width, height)}, options...)...)
	ctx, late := context.WithTimeout(ctx, time.Minute)
	s.t.Cleanup(late)
	return ctx
}

func (s *stack) run(ctx context.Context, actions ...action) {
	s.t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stack) enter(ctx context.Context, login string) {
	s.t.Helper()
	s.run(ctx, chromedp.Navigate(s.http.URL+"/sign-in"), chromedp.SendKeys(chromedp.CSS("#login"), login), chromedp.SendKeys(chromedp.CSS("#password"), password),
		chromedp.Submit(chromedp.CSS("#password")), chromedp.WaitVisible(chromedp.CSS("main#main h1")))
}

// ask runs an action that gives something.
func ask[T any](s *stack, ctx context.Context, a chromedp.Action[T]) T {
	s.t.Helper()
	got, err := chromedp.Run(ctx, a)
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// text is what a part of the page says.
func (s *stack) text(ctx context.Context, selector string) string {
	s.t.Helper()
	return ask(s, ctx, chromedp.Text(chromedp.CSS(selector)))
}

// clicked clicks what leads to another page and waits for it.
func (s *stack) clicked(ctx context.Context, selector string) {
	s.t.Helper()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		s.t.Fatalf("click %s: %v", selector, err)
	}
}

func workATask(t *testing.T, options ...action) {
	s := newStack(t)
	lead, task := s.lead("anna")
	ctx := s.browser(1440, 900, options...)
	s.enter(ctx, "anna")
	if got := s.text(ctx, ".tasks"); !strings.Contains(got, "Связаться с клиентом") {
		t.Fatalf("my tasks are %q", got)
	}
	if title := ask(s, ctx, chromedp.Title()); !strings.HasPrefix(title, "(1) Мои задачи") {
		t.Errorf("the title is %q", title)
	}
	s.clicked(ctx, ".task")
	s.clicked(ctx, `button[name="outcome"][value="talked"]`)
	if got := s.text(ctx, "#refused"); !strings.Contains(got, "Прочитать историю") || !strings.Contains(got, "Позвонить или написать клиенту") {
		t.Fatalf("the refusal does not name the missing actions: %q", got)
	}
	s.clicked(ctx, `.now button[value="read"]`)
	s.run(ctx, chromedp.SendKeys(chromedp.CSS(`input[name="v.reach"]`), "Нужна теплица к маю"))
	s.clicked(ctx, `button[value="reach|answered"]`)
	s.clicked(ctx, `button[name="outcome"][value="talked"]`)
	if got := s.text(ctx, ".notice.good"); !strings.Contains(got, "Задача выполнена") {
		t.Errorf("after the outcome the page says %q", got)
	}
	next := s.task(lead)
	if next.ID == task.ID || !strings.Contains(s.text(ctx, ".task-name"), next.Title) {
		t.Errorf("the next task is not shown: %q", s.text(ctx, ".task-name"))
	}
	if got := s.text(ctx, ".timeline"); !strings.Contains(got, "Нужна теплица к маю") {
		t.Errorf("the call is not in the history: %q", got)
	}
}

func TestATaskIsWorkedInTheBrowser(t *testing.T) { workATask(t) }

func TestATaskIsWorkedWithoutJavaScript(t *testing.T) {
	workATask(t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

func TestANewTaskAppearsByItself(t *testing.T) {
	s := newStack(t)
	bell := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { bell <- s.RunBell(ctx) }()
	defer func() { stop(); <-bell }()
	view := s.browser(1440, 900)
	s.enter(view, "anna")
	s.run(view, chromedp.WaitVisible(chromedp.CSS(".empty")))
	s.lead("anna")
	s.run(view, chromedp.WaitVisible(chromedp.CSS(".task")), chromedp.Poll[chromedp.Void](`document.title.startsWith("(1)")`))
	if got := s.text(view, ".menu .count"); got != "1" {
		t.Errorf("the menu counts %q", got)
	}
}

func TestAKeyOpensTheHelpAndTheSearch(t *testing.T) {
	s := newStack(t)
	s.lead("anna")
	ctx := s.browser(1440, 900)
	s.enter(ctx, "anna")
	s.run(ctx, chromedp.KeyEvent("j"))
	if focus := ask(s, ctx, chromedp.Evaluate[string](`document.activeElement.className`)); !strings.Contains(focus, "task") {
		t.Errorf("j focuses %q", focus)
	}
	s.run(ctx, chromedp.KeyEvent("?"), chromedp.WaitVisible(chromedp.CSS("dialog#keys")))
	s.run(ctx, chromedp.Navigate(s.http.URL+"/tasks"), chromedp.KeyEvent("/"), chromedp.WaitVisible(chromedp.CSS("#q")),
		chromedp.Poll[chromedp.Void](`document.activeElement.id === "q"`)) // from a page without a search to the one that has it
	s.run(ctx, chromedp.Navigate(s.http.URL+"/leads"), chromedp.KeyEvent("/"))
	if focus := ask(s, ctx, chromedp.Evaluate[string](`document.activeElement.id`)); focus != "q" {
		t.Errorf("/ focuses %q", focus)
	}
}

// history fills the company with leads in all places of the map, so that pages look as they do at work.
func (s *stack) history() (shown int64) {
	s.t.Helper()
	people := []struct{ name, phone, want, city string }{
		{"Ольга Рябинина", "+7 912 301-44-10", "Здравствуйте! Нужна теплица 3×6 из поликарбоната с установкой на участке. Когда сможете приехать на замер?", "Екатеринбург"},
		{"Сергей Дубов", "+7 902 870-12-55", "Интересует забор из профнастила, 42 метра, с воротами и калиткой", "Верхняя Пышма"},
		{"ООО «Северный сад»", "+7 343 200-10-20", "Просим коммерческое предложение на 12 беседок для базы отдыха", "Ревда"},
		{"Марина Ольхова", "+7 950 641-90-02", "Сколько стоит навес для двух машин?", "Екатеринбург"},
		{"Павел Кленов", "+7 922 118-47-36", "Перезвоните, пожалуйста, по поводу ворот", "Берёзовский"},
		{"Ирина Вязова", "+7 919 380-05-14", "Хочу заказать садовую мебель к маю", "Екатеринбург"},
		{"Андрей Тополев", "+7 909 001-72-73", "Нужна доставка теплицы в Первоуральск", "Первоуральск"},
	}
	for i, p := range people {
		in := s.form(p.name, p.phone, p.want)
		in.City, in.Product = p.city, []string{"Теплица", "Забор", "Беседки", "Навес", "Ворота", "Мебель", "Теплица"}[i]
		if i%2 == 0 {
			in.Source = "ads"
			in.Attribution.UTM = leads.UTM{Source: "yandex", Medium: "cpc", Campaign: "teplicy-vesna"}
		}
		if amount, ok := leads.ParseAmount(fmt.Sprint(48000 + 37500*i)); ok && i != 4 {
			in.Amount = &amount
		}
		got := s.arrive(in)[0]
		if i == 0 {
			shown = got.LeadID
		}
		s.pass(7 * time.Minute)
		if i%3 == 0 {
			s.talk(got.LeadID)
		}
	}
	s.dead("letter-1", `{"form":"callback","contact":{"who":"Вера","how":"в телеграме @vera_garden"},"text":"Перезвоните мне вечером"}`)
	s.parked(shown, "send-letter", 2)
	s.parked(0, "webhook", 1)
	s.pass(50 * time.Minute)
	missed := s.form("", "+7 912 777-00-11", "")
	missed.Channel, missed.Connection, missed.Fields, missed.Call = leads.ChannelCall, "ats", nil, &leads.Call{Ring: 25 * time.Second, Dialled: "+73432001020"}
	s.arrive(missed)
	return shown
}

// talk brings a lead past its first task.
func (s *stack) talk(lead int64) {
	s.t.Helper()
	task := s.task(lead)
	actor := s.who(task.AssigneeLogin)
	do := func(step string) {
		_, err := s.Casework.DoStep(s.t.Context(), actor, task.ID, step, nil)
		s.must(err)
	}
	do("read")
	_, err := s.Casework.AddInteraction(s.t.Context(), actor, lead, leads.Interaction{Kind: leads.KindCall, Direction: leads.DirectionOut, Talk: 3 * time.Minute, Text: "Уточнили размеры, договорились о замере в четверг", At: s.now()})
	s.must(err)
	do("reach")
	_, err = s.Casework.CompleteTask(s.t.Context(), actor, task.ID, processes.Completion{Outcome: "talked", Comment: "Готов к замеру"})
	s.must(err)
}

// places are the pages everybody may look at in the tests of how they look.
func (s *stack) places(lead int64) map[string]string {
	return map[string]string{
		"tasks": "/tasks", "tasks-all": "/tasks?who=all", "lead": fmt.Sprintf("/leads/%d", lead), "leads": "/leads", "unassigned": "/unassigned", "lead-new": "/leads/new",
		"reports": "/reports", "funnel": "/reports/funnel", "funnel-snapshot": "/reports/funnel?clock=snapshot", "loss": "/reports/loss-reasons",
		"processes": "/processes", "process": "/processes/inquiry", "rules": "/rules", "people": "/people", "person": "/people/anna", "journal": "/journal", "profile": "/profile",
		"instance": fmt.Sprintf("/instances/%d", s.task(lead).Instance), "missing": "/nowhere",
		"connections": "/connections", "connection": "/connections/at/site", "connection-new": "/connections/new?provider=webform/generic",
		"dead": "/dead-letters", "dead-letter": "/dead-letters/letter-1", "deliveries": "/deliveries", "password": "/profile/password", "report-leads": "/reports/funnel/leads?column=leads",
	}
}

func TestPagesFitATelephone(t *testing.T) {
	s := newStack(t)
	lead := s.history()
	ctx := s.browser(390, 844)
	s.enter(ctx, "root")
	for name, path := range s.places(lead) {
		s.run(ctx, chromedp.Navigate(s.http.URL+path))
		wide, room := ask(s, ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`)), ask(s, ctx, chromedp.Evaluate[int](`document.documentElement.clientWidth`))
		if wide > room {
			t.Errorf("%s is %d wide on a telephone of %d", name, wide, room)
		}
		s.shoot(ctx, "phone-"+name)
	}
}

func TestPagesAreThereInLightDarkAndEnglish(t *testing.T) {
	s := newStack(t)
	lead := s.history()
	ctx := s.browser(1440, 900)
	s.enter(ctx, "root")
	for name, path := range s.places(lead) {
		s.run(ctx, chromedp.Navigate(s.http.URL+path))
		if heading := s.text(ctx, "h1"); heading == "" {
			t.Errorf("%s has no heading", name)
		}
		s.shoot(ctx, "wide-"+name)
	}
	for _, look := range []string{"dark", "english"} {
		if look == "dark" {
			s.run(ctx, chromedp.Navigate(s.http.URL+"/profile"))
			if _, err := chromedp.RunResponse(ctx, chromedp.SetValue(chromedp.CSS("#u-theme"), "dark")); err != nil { // the choice sends its form
				t.Fatal(err)
			}
		} else {
			s.must(s.Staff.SetLanguage(t.Context(), s.who("root"), "en", s.now()))
		}
		for _, name := range []string{"tasks", "lead", "funnel", "processes"} {
			s.run(ctx, chromedp.Navigate(s.http.URL+s.places(lead)[name]))
			s.shoot(ctx, look+"-"+name)
		}
	}
	if got := s.text(ctx, "h1"); got != "Route maps" {
		t.Errorf("the English page is called %q", got)
	}
}

// shoot keeps a picture of the page where MARSHRUT_SHOTS says, for people to look at.
func (s *stack) shoot(ctx context.Context, name string) {
	s.t.Helper()
	folder := os.Getenv("MARSHRUT_SHOTS")
	if folder == "" {
		return
	}
	picture := ask(s, ctx, chromedp.FullScreenshot(100))
	s.must(os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644))
}
