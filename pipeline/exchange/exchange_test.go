package exchange_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"marshrut/configs"
	"marshrut/connectors/onec/onectest"
	"marshrut/internal/app"
	"marshrut/internal/postgres"
	"marshrut/internal/postgres/postgrestest"
	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/pipeline/delivery"
	"marshrut/processes"
	"marshrut/processes/casework"
)

const settings = `
data_dir: %s
secret_key: a-key-of-the-tests-that-is-long-enough-for-it
http: {listen: "127.0.0.1:0"}
database: {url: %q}
company: {timezone: Europe/Moscow}
outgoing: {allow: ["127.0.0.0/8"]}
connections:
  - {name: site, connector: webform, provider: generic, token: 0123456789abcdef0123456789abcdef}
  - name: base
    connector: onec
    provider: infobase
    title: УНФ
    settings:
      url: %s/unf
      user: gateway
      password: a-password-of-tests
      every: 1s
      plan: Маршрут
      node: 7e1d0c5a-93b4-4f0e-8a61-2b5c9d8e7f10
      stages: {new: Новый, qualification: Квалификация, proposal: Предложение, negotiation: Согласование, contract: Договор}
      reasons: {expensive: Дорого, competitor: Выбрали конкурента, unreachable: Не удалось связаться, spam: Спам}
      sources: {site: Сайт, ads: Реклама}
      employees: {vetrov: Ветров Антон, orlova: Орлова Дарья}
%s`

// pair is a gateway and a base that hold the same.
type pair struct {
	t       *testing.T
	base    *onectest.Base
	gateway *app.App
	pool    *pgxpool.Pool
	log     lines
}

func newPair(t *testing.T, behaviour onectest.Behaviour, more string, schema ...onectest.Schema) *pair {
	t.Helper()
	t.Parallel()
	p := &pair{t: t}
	of := onectest.UNF()
	if len(schema) > 0 {
		of = schema[0]
	}
	var err error
	if p.base, err = onectest.New(onectest.Options{Schema: of, Password: "a-password-of-tests", Behaviour: behaviour}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.base)
	t.Cleanup(server.Close)
	database := postgrestest.URL(t)
	file := filepath.Join(t.TempDir(), "marshrut.yaml")
	p.must(os.WriteFile(file, fmt.Appendf(nil, settings, t.TempDir(), database, server.URL, more), 0o600))
	config, err := configs.Load(file, nil)
	p.must(err)
	p.gateway, err = app.New(t.Context(), app.Options{Config: config, Log: slog.New(slog.NewTextHandler(&p.log, nil))})
	p.must(err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		p.silent(ctx)
		if err := p.gateway.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	p.must(p.gateway.Start(t.Context()))
	p.pool = p.gateway.Pool()
	for login, permission := range map[string]staff.Permission{"vetrov": staff.Manager, "orlova": staff.Manager, "zimin": staff.Head} {
		_, _, err := p.gateway.Staff.AddEmployee(t.Context(), staff.System(), staff.Employee{Login: login, Name: login, Language: "ru", Permission: permission, Roles: []string{"manager", "duty"}}, time.Now())
		p.must(err)
	}
	return p
}

// lines is a log that is written from many sides.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// silent wants no secret of the base and no name or phone of a client in the log, and no secret in what is stored.
func (p *pair) silent(ctx context.Context) {
	p.log.mu.Lock()
	said := p.log.text.String()
	p.log.mu.Unlock()
	for _, word := range []string{"a-password-of-tests", "Ромашкина", "0000011", "000-00-11"} {
		if strings.Contains(said, word) {
			p.t.Errorf("the log tells %q:\n%s", word, said)
		}
	}
	for _, table := range []string{"delivery", "exchange_link", "exchange_conflict", "journal", "inquiry", "connection", "connection_cursor"} {
		var n int
		if err := p.pool.QueryRow(ctx, `select count(*) from `+table+` t where t::text like '%a-password-of-tests%'`).Scan(&n); err != nil || n > 0 {
			p.t.Errorf("table %s holds the password %d times, %v", table, n, err)
		}
	}
}

func (p *pair) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// eventually waits for something that both sides come to by themselves.
func (p *pair) eventually(what string, ok func() bool) {
	p.t.Helper()
	deadline, tick := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			rows, _ := p.pool.Query(context.Background(), `select state || ' ' || object || ' ' || attempts || ' ' || last_error from delivery order by id`)
			list, _ := pgx.CollectRows(rows, pgx.RowTo[string])
			trouble := p.text(`select trouble from connection where name = 'base'`)
			p.t.Fatalf("it never came to this: %s\ndeliveries %s\ntrouble %q\nleads there %v", what, strings.Join(list, "\n"), trouble, p.base.All(onectest.Leads))
		case <-tick.C:
		}
	}
}

// quiet waits until nothing is under way any more.
func (p *pair) quiet() {
	p.t.Helper()
	p.eventually("nothing is left to do", func() bool {
		return p.count(`select count(*) from delivery where state in ('waiting', 'leased') and kind = 'mirror'`) == 0 && p.count(`select count(*) from spool`) == 0
	})
}

func (p *pair) count(query string, args ...any) (n int) {
	p.t.Helper()
	p.must(p.pool.QueryRow(p.t.Context(), query, args...).Scan(&n))
	return n
}

func (p *pair) text(query string, args ...any) (s string) {
	if err := p.pool.QueryRow(context.Background(), query, args...).Scan(&s); err != nil {
		return err.Error()
	}
	return s
}

// post sends a form and gives its lead.
func (p *pair) post(name, phone string) leads.Lead {
	p.t.Helper()
	answer, err := http.PostForm("http://"+p.gateway.Addr()+"/in/site/0123456789abcdef0123456789abcdef", url.Values{"Имя": {name}, "Телефон": {phone}, "Комментарий": {"Нужен кондиционер"}})
	p.must(err)
	defer answer.Body.Close()
	var taken struct{ ID string }
	p.must(json.NewDecoder(answer.Body).Decode(&taken))
	p.eventually("the form is filed", func() bool { return p.count(`select count(*) from inquiry where id = $1`, taken.ID) == 1 })
	var id int64
	p.must(p.pool.QueryRow(p.t.Context(), `select lead_id from inquiry where id = $1`, taken.ID).Scan(&id))
	return p.lead(id)
}

func (p *pair) lead(id int64) leads.Lead {
	p.t.Helper()
	v, err := p.gateway.Leads.Lead(p.t.Context(), id)
	p.must(err)
	return v.Lead
}

// there is the lead as the base holds it.
func (p *pair) there(name string) onectest.Object {
	for _, o := range p.base.All(onectest.Leads) {
		if o.Text("Description") == name {
			return o
		}
	}
	return nil
}

func (p *pair) await(name string) onectest.Object {
	p.t.Helper()
	p.eventually(name+" is there", func() bool { return p.there(name) != nil })
	p.quiet()
	return p.there(name)
}

func (p *pair) retitle(lead int64, title string) {
	p.t.Helper()
	now := p.lead(lead)
	_, err := p.gateway.Casework.UpdateLead(p.t.Context(), staff.System(), lead, casework.Update{Changes: repository.Changes{Version: now.Version, Title: &title}})
	p.must(err)
}

func (p *pair) edit(ref string, change func(onectest.Object)) {
	p.t.Helper()
	p.must(p.base.Edit(onectest.Leads, ref, change))
}

func TestALeadOfTheSiteIsInTheBaseOnceAndWhole(t *testing.T) {
	p := newPair(t, onectest.AsSeen(), "")
	lead := p.post("Анна Ромашкина", "8 (912) 000-00-11")
	o := p.await("Анна Ромашкина")
	if o.Text("Комментарий") != lead.Title || o.Text("СостояниеЛида_Key") != "5a1f0000-0000-4000-8000-000000000001" || o.Text("НомерТелефонаДляПоиска") != "79120000011" {
		t.Errorf("%v", o)
	}
	row := o.Rows("КонтактнаяИнформация")[0]
	if row.Text("НомерТелефона") != "79120000011" || row.Text("НомерТелефонаБезКодов") != "0000011" || row.Text("Представление") != "+7 (912) 000-00-11" || row.Text("Вид_Key") == "" {
		t.Errorf("%v", row)
	}
	// What we wrote comes back by the plan and by the watch, and is no news.
	p.eventually("the base has nothing to tell", func() bool { return len(p.base.All(onectest.Leads)) == 1 && p.settled(o.Text("Ref_Key")) })
	if n := p.count(`select count(*) from lead`); n != 1 {
		t.Errorf("%d leads here", n)
	}
}

// settled tells that the base has written nothing more to the object since its version was agreed on.
func (p *pair) settled(ref string) bool {
	o, _ := p.base.Get(onectest.Leads, ref)
	return p.text(`select version from exchange_link where ref = $1`, ref) == o.Text("DataVersion")
}

func TestANewLeadInTheBaseIsALeadHereAndNotASecondOneThere(t *testing.T) {
	p := newPair(t, onectest.AsSeen(), "")
	p.eventually("the watch has begun", func() bool { return p.count(`select count(*) from connection_cursor where connection = 'base'`) == 1 })
	ref, err := p.base.Add(onectest.Leads, onectest.Object{"Description": "Пётр Лугов", "Комментарий": "Просит каталог",
		"СостояниеЛида_Key":    "5a1f0000-0000-4000-8000-000000000001",
		"КонтактнаяИнформация": []onectest.Object{{"LineNumber": "1", "Тип": "Телефон", "Представление": "8 912 000 00 22", "Вид_Key": "9e5b0000-0000-4000-8000-000000000001"}}})
	p.must(err)
	p.eventually("it is here", func() bool { return p.count(`select count(*) from lead where channel = 'onec'`) == 1 })
	p.quiet()
	var id int64
	p.must(p.pool.QueryRow(t.Context(), `select object_id from exchange_link where kind = 'lead' and ref = $1 and main`, ref).Scan(&id))
	lead := p.lead(id)
	if lead.Title != "Просит каталог" || p.text(`select value from contact_point where contact_id = $1`, lead.ContactID) != "+79120000022" {
		t.Errorf("%+v", lead)
	}
	if n := p.count(`select count(*) from task where subject = $1`, id); n == 0 {
		t.Error("no process works on it")
	}
	if all := p.base.All(onectest.Leads); len(all) != 1 {
		t.Errorf("there are %d leads now: %v", len(all), all)
	}
	reads := 0
	for _, call := range p.base.Calls() {
		if strings.HasPrefix(call, "GET ") && strings.Contains(call, ref) {
			reads++
		}
	}
	if reads > 2 {
		t.Errorf("it was read %d times: to compare, and before it was written, is enough", reads)
	}
	// A second lead of the same person joins, and is not written over.
	second, err := p.base.Add(onectest.Leads, onectest.Object{"Description": "Пётр", "Комментарий": "Ещё раз",
		"КонтактнаяИнформация": []onectest.Object{{"LineNumber": "1", "Тип": "Телефон", "НомерТелефона": "79120000022"}}})
	p.must(err)
	p.eventually("it is linked", func() bool {
		return p.count(`select count(*) from exchange_link where ref = $1 and not main`, second) == 1
	})
	p.quiet()
	if o, _ := p.base.Get(onectest.Leads, second); o.Text("Комментарий") != "Ещё раз" || p.count(`select count(*) from lead`) != 1 || len(p.base.All(onectest.Leads)) != 2 {
		t.Errorf("%v, %d leads here", o, p.count(`select count(*) from lead`))
	}
}

func TestEditsOfBothSidesArriveAndDoNotBounce(t *testing.T) {
	p := newPair(t, onectest.AsSeen(), "")
	lead := p.post("Анна Ромашкина", "+7 912 000-00-11")
	ref := p.await("Анна Ромашкина").Text("Ref_Key")
	p.retitle(lead.ID, "Два кондиционера")
	p.eventually("our title is there", func() bool {
		o, _ := p.base.Get(onectest.Leads, ref)
		return o.Text("Комментарий") == "Два кондиционера"
	})
	p.edit(ref, func(o onectest.Object) {
		o["Комментарий"], o["НаименованиеКомпании"] = "Три кондиционера", "ООО Луг"
	})
	p.eventually("their title is here", func() bool { return p.lead(lead.ID).Title == "Три кондиционера" })
	p.edit(ref, func(o onectest.Object) {
		o["КонтактнаяИнформация"] = append(o.Rows("КонтактнаяИнформация"), onectest.Object{"LineNumber": "2", "Тип": "АдресЭлектроннойПочты", "АдресЭП": "Anna@Example.org", "Представление": "Anna@Example.org"})
	})
	p.eventually("their e-mail is here", func() bool {
		return p.count(`select count(*) from contact_point where value = 'anna@example.org' and contact_id = $1`, lead.ContactID) == 1
	})
	p.quiet()
	if got := p.text(`select name from client join lead on client.id = lead.client_id where lead.id = $1`, lead.ID); got != "ООО Луг" {
		t.Errorf("company %q", got)
	}
	o, _ := p.base.Get(onectest.Leads, ref)
	if len(o.Rows("КонтактнаяИнформация")) != 2 || !p.settled(ref) || p.count(`select count(*) from exchange_conflict`) != 0 {
		t.Errorf("%v; conflicts %d", o, p.count(`select count(*) from exchange_conflict`))
	}
}

func TestASimultaneousEditIsSettledByTheRuleAndShown(t *testing.T) {
	p := newPair(t, onectest.AsSeen(), "      owners: {lead.title: they}\n")
	lead := p.post("Анна Ромашкина", "+7 912 000-00-11")
	ref := p.await("Анна Ромашкина").Text("Ref_Key")
	// The base is away while both sides change the same.
	p.base.Behave(func(b *onectest.Behaviour) { b.BadGateway = 1 })
	p.retitle(lead.ID, "Наше")
	p.edit(ref, func(o onectest.Object) { o["Комментарий"] = "Их" })
	p.base.Behave(func(b *onectest.Behaviour) { b.BadGateway = 0 })
	p.eventually("theirs is here", func() bool { return p.lead(lead.ID).Title == "Их" })
	p.quiet()
	if n := p.count(`select count(*) from exchange_conflict where field = 'title' and ours = 'Наше' and theirs = 'Их' and kept = 'theirs' and rule = 'they' and lead_id = $1`, lead.ID); n != 1 {
		t.Errorf("%d conflicts, want it once", n)
	}
	if n := p.count(`select count(*) from journal where lead_id = $1 and action = 'exchange.conflict' and data->>'ours' = 'Наше'`, lead.ID); n != 1 {
		t.Errorf("the history of the lead shows it %d times", n)
	}
	if o, _ := p.base.Get(onectest.Leads, ref); o.Text("Комментарий") != "Их" {
		t.Errorf("%v", o)
	}
}

func TestWhoLeadsTheProcessSaysTheStage(t *testing.T) {
	p := newPair(t, onectest.AsSeen(), "")
	lead := p.post("Анна Ромашкина", "+7 912 000-00-11")
	ref := p.await("Анна Ромашкина").Text("Ref_Key")
	p.edit(ref, func(o onectest.Object) { o["СостояниеЛида_Key"] = "5a1f0000-0000-4000-8000-000000000005" })
	p.eventually("the stage is taken back", func() bool {
		o, _ := p.base.Get(onectest.Leads, ref)
		return o.Text("СостояниеЛида_Key") == "5a1f0000-0000-4000-8000-000000000001"
	})
	p.quiet()
	if p.lead(lead.ID).Stage != lead.Stage || p.count(`select count(*) from exchange_conflict where field = 'stage' and kept = 'ours' and rule = 'we'`) != 1 {
		t.Errorf("stage %s, conflicts %d", p.lead(lead.ID).Stage, p.count(`select count(*) from exchange_conflict`))
	}
}

func TestWithProcessesLedThereNobodyHasASecondListOfTasks(t *testing.T) {
	p := newPair(t, onectest.AsSeen(), "      processes: onec\n")
	lead := p.post("Анна Ромашкина", "+7 912 000-00-11")
	ref := p.await("Анна Ромашкина").Text("Ref_Key")
	if n := p.count(`select count(*) from task`) + p.count(`select count(*) from process_instance`); n != 0 {
		t.Errorf("%d tasks and processes here", n)
	}
	_, err := p.gateway.Casework.MoveLead(t.Context(), staff.System(), lead.ID, casework.Move{Stage: "proposal", Comment: "x"})
	if err == nil || !strings.Contains(err.Error(), "base") {
		t.Errorf("the stage can be changed here: %v", err)
	}
	p.edit(ref, func(o onectest.Object) { o["СостояниеЛида_Key"] = "5a1f0000-0000-4000-8000-000000000003" })
	p.eventually("the stage follows", func() bool { return p.lead(lead.ID).Stage == "proposal" })
	p.edit(ref, func(o onectest.Object) {
		o["ВариантЗавершения"], o["ПричинаНеуспешногоЗавершенияРаботы_Key"] = "НекачественныйЛид", "6b2e0000-0000-4000-8000-000000000001"
	})
	p.eventually("the loss follows", func() bool { l := p.lead(lead.ID); return l.Status == leads.StatusLost && l.LossReason == "expensive" })
	p.edit(ref, func(o onectest.Object) {
		o["ВариантЗавершения"], o["ПричинаНеуспешногоЗавершенияРаботы_Key"] = "", "00000000-0000-0000-0000-000000000000"
	})
	p.eventually("it is open again", func() bool { return p.lead(lead.ID).Status == leads.StatusOpen })
	p.edit(ref, func(o onectest.Object) {
		o["ВариантЗавершения"] = "ПереведенВПокупателя"
	})
	p.eventually("the sale follows", func() bool { return p.lead(lead.ID).Status == leads.StatusWon })
	p.eventually("contact is there", func() bool { return len(p.base.All(onectest.Contacts)) == 1 })
	p.quiet()
}

func TestWhatRanHereEndsWhenTheBaseTakesTheProcessesOverAndStartsWhenItGivesThemBack(t *testing.T) {
	p := newPair(t, onectest.AsSeen(), "")
	lead := p.post("Анна Ромашкина", "+7 912 000-00-11")
	p.await("Анна Ромашкина")
	tasks := func() int {
		return p.count(`select count(*) from task where subject = $1 and status = 'open'`, lead.ID)
	}
	if tasks() == 0 {
		t.Fatal("there is no task to hand over")
	}
	ledBy := func(who string) {
		_, err := p.pool.Exec(t.Context(), `update connection set settings = settings || jsonb_build_object('processes', $1::text), updated_at = now() where name = 'base'`, who)
		p.must(err)
		p.must(p.gateway.Connections.Refresh(t.Context()))
	}
	ledBy("onec")
	p.eventually("nobody has a second list of tasks", func() bool { return tasks() == 0 })
	if n := p.count(`select count(*) from process_instance where subject = $1 and ended_at is null`, lead.ID); n != 0 {
		t.Errorf("%d processes run on here", n)
	}
	meanwhile := p.post("Вера Ландышева", "+7 912 000-00-12")
	p.await("Вера Ландышева")
	ledBy("here")
	p.eventually("both leads have a list of tasks again", func() bool {
		return p.count(`select count(distinct subject) from task where subject in ($1, $2) and status = 'open'`, lead.ID, meanwhile.ID) == 2
	})
}

func TestTheOutcomeOfATaskIsAnInteractionBehindItsLead(t *testing.T) {
	p := newPair(t, onectest.AsSeen(), "")
	lead := p.post("Анна Ромашкина", "+7 912 000-00-11")
	page, err := p.gateway.Casework.Processes().Tasks(t.Context(), processes.TaskFilter{Subject: lead.ID, Status: processes.TaskOpen, Limit: 10})
	p.must(err)
	task := page.Items[0]
	people, err := p.gateway.Staff.Directory(t.Context(), p.pool)
	p.must(err)
	zimin, _ := people.Login("zimin")
	head, _ := people.Actor(zimin.ID)
	done := ""
	for _, o := range task.Outcomes {
		how := processes.Completion{Outcome: o.ID, Comment: "Не дозвонились", SkipReason: "проверка", Revision: task.Revision}
		if _, err = p.gateway.Casework.CompleteTask(t.Context(), head, task.ID, how); err == nil {
			done = o.Label
			break
		}
	}
	p.must(err)
	p.eventually("it is there", func() bool { return len(p.base.All(onectest.Interactions)) == 1 })
	p.quiet()
	o := p.base.All(onectest.Interactions)[0]
	if o.Text("Тема") != task.Title+": "+done || o.Text("Содержание") != "Не дозвонились" || o.Text("ТипСобытия") != "Запись" ||
		o.Rows("Участники")[0].Text("Контакт") != p.there("Анна Ромашкина").Text("Ref_Key") {
		t.Errorf("%v", o)
	}
}

func TestARefusalIsParkedInWordsAndReplayed(t *testing.T) {
	p := newPair(t, onectest.AsSeen(), "")
	p.base.Behave(func(b *onectest.Behaviour) {
		b.Business = map[string]string{onectest.Leads: "Не заполнено поле «Группа доступа»"}
	})
	lead := p.post("Анна Ромашкина", "+7 912 000-00-11")
	p.eventually("it is parked", func() bool {
		return p.count(`select count(*) from delivery where state = 'parked' and kind = 'mirror' and lead_id = $1`, lead.ID) == 1
	})
	words := p.text(`select last_error from delivery where state = 'parked' and kind = 'mirror'`)
	if !strings.Contains(words, "1С отказала в записи: Не заполнено поле «Группа доступа»") || strings.Contains(words, "Анна") {
		t.Errorf("the administrator reads %q", words)
	}
	p.base.Behave(func(b *onectest.Behaviour) { b.Business = nil })
	list, err := delivery.List(t.Context(), p.pool, delivery.Filter{State: delivery.Parked, Connection: "base"})
	p.must(err)
	p.must(postgres.InTx(t.Context(), p.pool, func(tx pgx.Tx) error {
		_, err := delivery.Replay(t.Context(), tx, time.Now(), list[0].ID)
		return err
	}))
	p.await("Анна Ромашкина")
}

func TestABaseThatPublishesTooLittleIsSaidSoInWords(t *testing.T) {
	schema := onectest.UNF().Without(onectest.Contacts).WithoutField(onectest.Clients, "КПП")
	p := newPair(t, onectest.AsSeen(), "", schema)
	p.eventually("the connection shows its trouble", func() bool {
		return strings.Contains(p.text(`select trouble from connection where name = 'base'`), "не публикует")
	})
	words := p.text(`select trouble from connection where name = 'base'`)
	for _, part := range []string{"Справочник.КонтактныеЛица", "Справочник.Контрагенты.КПП", "Состав", "1С:УНФ 3.0"} {
		if !strings.Contains(words, part) {
			t.Errorf("%q does not name %s", words, part)
		}
	}
}

func TestWhatWasDeletedThereIsShownAndNotMadeAnew(t *testing.T) {
	p := newPair(t, onectest.AsSeen(), "")
	lead := p.post("Анна Ромашкина", "+7 912 000-00-11")
	ref := p.await("Анна Ромашкина").Text("Ref_Key")
	p.must(p.base.Remove(onectest.Leads, ref))
	p.eventually("it is noted", func() bool {
		return p.count(`select count(*) from journal where lead_id = $1 and action = 'exchange.gone'`, lead.ID) == 1
	})
	p.retitle(lead.ID, "Ещё раз")
	p.quiet()
	if n := len(p.base.All(onectest.Leads)); n != 0 {
		t.Errorf("%d leads there", n)
	}
}

func TestABaseThatGivesReferencesOfItsOwnHoldsEveryLeadOnce(t *testing.T) {
	behaviour := onectest.AsSeen()
	behaviour.OwnRefs, behaviour.LosesAnswers = true, 0.4
	p := newPair(t, behaviour, "")
	names := []string{"Анна Ромашкина", "Борис Ромашкин", "Вера Ромашкина", "Глеб Ромашкин", "Дина Ромашкина", "Егор Ромашкин"}
	var ids []int64
	for n, name := range names {
		ids = append(ids, p.post(name, fmt.Sprintf("+7 912 000-00-%d", 20+n)).ID)
	}
	for _, name := range names {
		p.await(name)
	}
	p.base.Behave(func(b *onectest.Behaviour) { b.LosesAnswers = 0 })
	for _, id := range ids {
		p.retitle(id, "Правка")
	}
	p.eventually("edits arrive at the objects as the base knows them", func() bool {
		edited := 0
		for _, o := range p.base.All(onectest.Leads) {
			if o.Text("Комментарий") == "Правка" {
				edited++
			}
		}
		return edited == len(names)
	})
	p.quiet()
	if there := len(p.base.All(onectest.Leads)); there != len(names) {
		t.Errorf("%d leads there, want %d", there, len(names))
	}
	if here := p.count(`select count(*) from lead`); here != len(names) {
		t.Errorf("%d leads here, want %d", here, len(names))
	}
	if parked := p.count(`select count(*) from delivery where state = 'parked' and kind = 'mirror'`); parked != 0 {
		t.Errorf("%d deliveries are parked", parked)
	}
}
