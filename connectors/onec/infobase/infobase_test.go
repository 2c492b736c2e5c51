package infobase_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"marshrut/connectors"
	"marshrut/connectors/connectortest"
	"marshrut/connectors/onec"
	"marshrut/connectors/onec/infobase"
	"marshrut/connectors/onec/odata"
	"marshrut/connectors/onec/onectest"
	"marshrut/leads"
	"marshrut/pipeline"
)

const password = "a-secret-of-the-base"

const words = `"stages":{"new":"Новый","proposal":"Предложение"},"reasons":{"expensive":"Дорого"},"sources":{"site":"Сайт"},"employees":{"vetrov":"Ветров Антон"}`

// serve starts a base and opens a connection to it.
func serve(t testing.TB, behaviour onectest.Behaviour, settings string, schema ...onectest.Schema) (*onectest.Base, *onec.Instance) {
	t.Helper()
	of := onectest.UNF()
	if len(schema) > 0 {
		of = schema[0]
	}
	base, err := onectest.New(onectest.Options{Schema: of, Password: password, Behaviour: behaviour})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(base)
	t.Cleanup(server.Close)
	c := connectortest.Open(t, infobase.Provider(), fmt.Sprintf(`{"url":%q,"user":"gateway",%s}`, server.URL+"/unf", settings), map[string]string{"password": password})
	return base, c.Instance.(*onec.Instance)
}

func TestTheProviderKeepsTheContract(t *testing.T) {
	connectortest.Provider(t, infobase.Provider(), connectortest.Sample{})
}

func TestMistakesInTheSettingsAreNamed(t *testing.T) {
	for settings, want := range map[string]string{
		`{"url":"1c.example.org","user":"u"}`:                  "url",
		`{"url":"https://1c.example.org/b"}`:                   "user",
		`{"processes":"both"}`:                                 "processes",
		`{"plan":"Маршрут"}`:                                   "plan and node",
		`{"plan":"Маршрут","node":"x"}`:                        "node",
		`{"every":"1ms"}`:                                      "every",
		`{"overlap":0}`:                                        "overlap",
		`{"timezone":"Луна"}`:                                  "timezone",
		`{"owners":{"lead.title":"me"}}`:                       "owners",
		`{"profile":"erp"}`:                                    "profile",
		`{"url":"https://u:p@1c.example.org/b","user":"user"}`: "url",
	} {
		_, err := infobase.Provider().New(connectors.Connection{Name: "base", Settings: json.RawMessage(settings)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v", settings, err)
		}
	}
}

func TestValuesComeBackAsTheyAreSaidToBeNormal(t *testing.T) {
	_, i := serve(t, onectest.AsSeen(), words)
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.StringMatching(`[а-яё ]{0,150}`))
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		values := map[string]string{
			"name": "я" + text.Draw(r, "name"), "title": text.Draw(r, "title"), "company": text.Draw(r, "company"),
			"phone":  rapid.SampledFrom([]string{"", "+79120000011", "+375291234567"}).Draw(r, "phone"),
			"email":  rapid.SampledFrom([]string{"", "a@example.org"}).Draw(r, "email"),
			"stage":  rapid.SampledFrom([]string{"", "new", "proposal", "no-such"}).Draw(r, "stage"),
			"status": rapid.SampledFrom([]string{"open", "won", "lost", "junk"}).Draw(r, "status"),
			"reason": rapid.SampledFrom([]string{"", "expensive"}).Draw(r, "reason"),
			"source": rapid.SampledFrom([]string{"", "site"}).Draw(r, "source"), "owner": "vetrov",
		}
		normal, err := i.Normal(t.Context(), connectors.MirrorLead, values)
		if err != nil {
			r.Fatal(err)
		}
		m, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", int64(n)), values)
		if err != nil {
			r.Fatal(err)
		}
		for field, want := range normal {
			if got := m.Values[field]; got != want {
				r.Fatalf("%s: said %q would be %q, it is %q", field, values[field], want, got)
			}
		}
		if again, err := i.Normal(t.Context(), connectors.MirrorLead, normal); err != nil || !cmp.Equal(again, normal) {
			r.Fatalf("normal is not normal: %v", cmp.Diff(normal, again))
		}
	})
}

func TestRowsOfOthersStayInAContactThatIsWritten(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), words)
	ref, err := base.Add(onectest.Leads, onectest.Object{"Description": "Анна", "КонтактнаяИнформация": []onectest.Object{
		{"LineNumber": "1", "Тип": "Адрес", "Представление": "г. Тверь", "Вид_Key": "9e5b0000-0000-4000-8000-0000000000aa", "Город": "Тверь"},
		{"LineNumber": "2", "Тип": "Телефон", "Представление": "+7 912 000-00-33", "НомерТелефона": "79120000033", "Вид_Key": "9e5b0000-0000-4000-8000-000000000001"}}})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := i.Fetch(t.Context(), connectors.MirrorLead, ref)
	if err != nil || seen.Values["phone"] != "+79120000033" {
		t.Fatalf("%v, %v", seen.Values, err)
	}
	if _, err := i.Write(t.Context(), seen, map[string]string{"phone": "+79120000044"}); err != nil {
		t.Fatal(err)
	}
	o, _ := base.Get(onectest.Leads, ref)
	rows := o.Rows("КонтактнаяИнформация")
	if len(rows) != 2 || rows[0].Text("Город") != "Тверь" || rows[1].Text("НомерТелефона") != "79120000044" || o.Text("НомерТелефонаДляПоиска") != "79120000044" {
		t.Errorf("%v", rows)
	}
	// An empty phone takes none away.
	seen, err = i.Fetch(t.Context(), connectors.MirrorLead, ref)
	if err == nil {
		_, err = i.Write(t.Context(), seen, map[string]string{"phone": ""})
	}
	if o, _ := base.Get(onectest.Leads, ref); err != nil || len(o.Rows("КонтактнаяИнформация")) != 2 {
		t.Errorf("%v, %v", o, err)
	}
}

func TestWhatDoesNotFitIsRefusedInWordsAndNotCut(t *testing.T) {
	_, i := serve(t, onectest.AsSeen(), words)
	_, err := i.Create(t.Context(), connectors.MirrorClient, i.Ref("client", 1), map[string]string{"name": "ООО Луг", "inn": "1234567890123"})
	wantTrouble(t, err, true, "Справочник.Контрагенты.ИНН", "12 знаков")
	_, err = i.Create(t.Context(), connectors.MirrorContact, i.Ref("contact", 1), map[string]string{"name": ""})
	wantTrouble(t, err, true, "Description", "обязательное")
}

func wantTrouble(t *testing.T, err error, final bool, words ...string) {
	t.Helper()
	var trouble *connectors.Trouble
	if !errors.As(err, &trouble) || trouble.Final != final {
		t.Fatalf("got %v, want trouble (final: %v)", err, final)
	}
	for _, w := range words {
		if !strings.Contains(trouble.Words, w) {
			t.Errorf("%q does not say %q", trouble.Words, w)
		}
	}
	if strings.Contains(fmt.Sprint(err, trouble.Err), password) {
		t.Error("the trouble tells the password")
	}
}

func TestTextsFitAndHoldOnlyWhatABaseBears(t *testing.T) {
	_, i := serve(t, onectest.AsSeen(), words)
	got, err := i.Normal(t.Context(), connectors.MirrorLead, map[string]string{"name": strings.Repeat("😀", 90), "company": "одна\r\nдве\x01\x1f\tтри\rчетыре\uffff"})
	if err != nil || got["company"] != "одна\nдве\tтри\nчетыре" {
		t.Errorf("%q, %v", got["company"], err)
	}
	if name := got["name"]; len(utf16.Encode([]rune(name))) > 100 || !strings.HasSuffix(name, "😀…") {
		t.Errorf("a name of %d units: %s", len(utf16.Encode([]rune(name))), name)
	}
}

func TestAnObjectWhoseAnswerWasLostIsFoundThoughBothSidesHaveEditedIt(t *testing.T) {
	base, i := serve(t, onectest.Behaviour{OwnRefs: true, LosesAnswers: 1}, words)
	values := map[string]string{"name": "Анна", "title": "раз", "phone": "+79120000011", "created": "2026-05-04T10:00:00Z"}
	if _, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", 1), values); err == nil {
		t.Fatal("an answer that was lost came")
	}
	base.Behave(func(b *onectest.Behaviour) { b.LosesAnswers = 0 })
	ref := base.All(onectest.Leads)[0].Text("Ref_Key")
	if err := base.Edit(onectest.Leads, ref, func(o onectest.Object) { o["Description"] = "Анна Н." }); err != nil {
		t.Fatal(err)
	}
	values["title"] = "два"
	got, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", 1), values)
	if err != nil || got.Ref != ref || len(base.All(onectest.Leads)) != 1 {
		t.Errorf("%s of %d leads, %v; want %s", got.Ref, len(base.All(onectest.Leads)), err, ref)
	}
	values["phone"] = "+79120000012"
	if got, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", 2), values); err != nil || got.Ref == ref {
		t.Errorf("another person is taken for her: %v", err)
	}
}

// УНФ keeps the day on which a lead was made and no time; a base that was sent one holds something else than it was sent.
func TestADateWithoutATimeOfDayIsSentAsTheDayOfTheBase(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), words+`,"timezone":"Asia/Yekaterinburg"`)
	made, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", 1), map[string]string{"name": "Анна", "created": "2026-05-04T22:30:15Z"})
	if err != nil {
		t.Fatal(err)
	}
	if o, _ := base.Get(onectest.Leads, made.Ref); o.Text("ДатаСоздания") != "2026-05-05T00:00:00" {
		t.Errorf("it was made at %s", o.Text("ДатаСоздания"))
	}
}

func TestASecondLeadOfAPersonOnOneDayIsNotTakenForTheFirst(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), words)
	values := map[string]string{"name": "Анна", "phone": "+79120000011", "created": "2026-05-04T10:00:00Z"}
	for id := range int64(2) {
		if _, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", id), values); err != nil {
			t.Fatal(err)
		}
		i = again(t, base) // which has made none yet, and does not know whose references new ones get
	}
	if n := len(base.All(onectest.Leads)); n != 2 {
		t.Errorf("%d leads there, want 2", n)
	}
}

func TestTheTitleIsTheFirstLineOfTheNotesAndTheRestStays(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), words)
	write := func(notes, title string) string {
		t.Helper()
		seen, err := i.Create(t.Context(), connectors.MirrorLead, odata.NewRef(notes), map[string]string{"name": "Анна"})
		if err != nil {
			t.Fatal(err)
		}
		if err := base.Edit(onectest.Leads, seen.Ref, func(o onectest.Object) { o["Комментарий"] = notes }); err != nil {
			t.Fatal(err)
		}
		if seen, err = i.Fetch(t.Context(), connectors.MirrorLead, seen.Ref); err != nil {
			t.Fatal(err)
		}
		if title == "" {
			return seen.Values["title"]
		}
		written, err := i.Write(t.Context(), seen, map[string]string{"title": title})
		if err != nil || written.Values["title"] != title {
			t.Fatalf("%q, %v", written.Values["title"], err)
		}
		return written.Whole.(odata.Entity).Text("Комментарий")
	}
	long := strings.Repeat("Длинно ", 1000)
	if got := write("\n Кондиционер \nна дачу", ""); got != "Кондиционер" {
		t.Errorf("the title is %q", got)
	}
	if got := write(long, ""); len(utf16.Encode([]rune(got))) > 200 || !strings.HasSuffix(got, "…") {
		t.Errorf("the title is %q", got)
	}
	for notes, want := range map[string]string{
		"Кондиционер": "Новое", "Кондиционер\nна дачу\nв мае": "Новое\nна дачу\nв мае", "": "Новое", long: "Новое\n" + strings.TrimSpace(long),
	} {
		if got := write(notes, "Новое"); got != want {
			t.Errorf("%.40q becomes %.60q, want %.60q", notes, got, want)
		}
	}
}

func TestANewLeadBringsItsNotesWhole(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), words+`,"leads":true,"history":true`)
	if _, err := base.Add(onectest.Leads, onectest.Object{"Description": "Анна", "Комментарий": "Кондиционер\nна дачу"}); err != nil {
		t.Fatal(err)
	}
	events, err := (&desk{}).round(t, i)
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	inquiries, err := i.Translate(events[0])
	if err != nil || inquiries[0].Text != "Кондиционер\nна дачу" {
		t.Errorf("%+v, %v", inquiries, err)
	}
}

func TestAPhoneIsKeptUnderWhatKindTheBaseHasForIt(t *testing.T) {
	for _, c := range []struct{ have, want string }{
		{"ТелефонЛида ТелефонКонтактаЛида", "ТелефонЛида"},
		{"ТелефонКонтрагента ТелефонКонтактаЛида", "ТелефонКонтактаЛида"},
		{"ТелефонКонтрагента", "ТелефонКонтрагента"},
	} {
		schema, refs := onectest.UNF(), map[string]string{}
		for n := range schema.Sets {
			if schema.Sets[n].Name != onectest.ContactKinds {
				continue
			}
			schema.Sets[n].Predefined = nil
			for m, name := range strings.Fields(c.have) {
				refs[name] = fmt.Sprintf("9e5b0000-0000-4000-8000-0000000000%02d", m+1)
				schema.Sets[n].Predefined = append(schema.Sets[n].Predefined, onectest.Object{"Ref_Key": refs[name], "Description": "Телефон", "ИмяПредопределенногоВида": name, "Тип": "Телефон"})
			}
		}
		_, i := serve(t, onectest.Behaviour{}, words, schema)
		made, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", 1), map[string]string{"name": "Анна", "phone": "+79120000011"})
		if err != nil || made.Values["phone"] != "+79120000011" {
			t.Fatalf("with %s: %v, %v", c.have, made.Values, err)
		}
		if kind := made.Whole.(odata.Entity).Rows("КонтактнаяИнформация")[0].Text("Вид_Key"); kind != refs[c.want] {
			t.Errorf("with %s it is under %s", c.have, kind)
		}
	}
}

func TestALoginThatIsRefusedIsNotTriedAgainAtOnce(t *testing.T) {
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	c := connectortest.Open(t, infobase.Provider(), fmt.Sprintf(`{"url":%q,"user":"gateway"}`, server.URL+"/unf"), map[string]string{"password": password})
	i := c.Instance.(*onec.Instance)
	for n := range int64(100) {
		_, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", n), map[string]string{"name": "Анна"})
		wantTrouble(t, err, true, "Проверьте пароль")
		if _, err := (&desk{}).round(t, i); err == nil {
			t.Fatal("a base that lets nobody in is said to work")
		}
	}
	if calls.Load() != 1 {
		t.Errorf("the password was tried %d times", calls.Load())
	}
}

func TestAnAddressWithoutABaseIsSaidSo(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	c := connectortest.Open(t, infobase.Provider(), fmt.Sprintf(`{"url":%q,"user":"gateway"}`, server.URL+"/wrong"), map[string]string{"password": password})
	_, err := c.Instance.(*onec.Instance).Create(t.Context(), connectors.MirrorLead, odata.NewRef("x"), map[string]string{"name": "Анна"})
	wantTrouble(t, err, false, "нет публикации базы")
}

func TestAnObjectThatIsNoLongerPublishedIsNamed(t *testing.T) {
	base, i := serve(t, onectest.Behaviour{}, words)
	seen, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", 1), map[string]string{"name": "Анна"})
	if err != nil {
		t.Fatal(err)
	}
	base.Behave(func(b *onectest.Behaviour) { b.Unpublished = map[string]bool{onectest.Leads: true} })
	_, err = i.Fetch(t.Context(), connectors.MirrorLead, seen.Ref)
	wantTrouble(t, err, true, "не публикует: Справочник.Лиды")
}

func TestEveryTroubleOfABaseIsSaidInWords(t *testing.T) {
	for name, c := range map[string]struct {
		behave onectest.Behaviour
		final  bool
		words  string
	}{
		"business":    {onectest.Behaviour{Business: map[string]string{onectest.Leads: "Закрыт период"}}, true, "отказала в записи: Закрыт период"},
		"sign-in":     {onectest.Behaviour{Login: true}, false, "веб-страница"},
		"maintenance": {onectest.Behaviour{ForbidsSessions: true}, false, "вход запрещён: Начало сеанса"},
		"locks":       {onectest.Behaviour{Locks: 1}, false, "занят другим сеансом"},
		"gateway":     {onectest.Behaviour{BadGateway: 1}, false, "не отвечает"},
		"truncated":   {onectest.Behaviour{IgnoresUnknown: true, Truncates: true}, true, "сохранила не то"},
		"unpublished": {onectest.Behaviour{Unpublished: map[string]bool{onectest.Stages: true}}, true, "не публикует: Справочник.СостоянияЛидов"},
	} {
		t.Run(name, func(t *testing.T) {
			schema := onectest.UNF()
			if name == "truncated" { // a company that shortened an attribute of the configuration
				for s := range schema.Sets {
					for f := range schema.Sets[s].Fields {
						if schema.Sets[s].Fields[f].Name == "НаименованиеКомпании" {
							schema.Sets[s].Fields[f].Length = 3
						}
					}
				}
			}
			_, i := serve(t, c.behave, words, schema)
			_, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", 1), map[string]string{"name": "Анна", "company": "ООО Луг"})
			wantTrouble(t, err, c.final, c.words)
		})
	}
	c := connectortest.Open(t, infobase.Provider(), `{}`, nil)
	_, err := c.Instance.(*onec.Instance).Fetch(t.Context(), connectors.MirrorLead, odata.NewRef("x"))
	wantTrouble(t, err, true, "не настроено")
}

// desk is where a poller of the tests works.
type desk struct {
	mu       sync.Mutex
	events   []pipeline.Event
	position map[string][]byte
	fail     error
}

func (d *desk) Accept(_ context.Context, events ...pipeline.Event) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return d.fail
	}
	d.events = append(d.events, events...)
	return nil
}

func (d *desk) Position(_ context.Context, part string, position any) (bool, error) {
	raw, ok := d.position[part]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(raw, position)
}

func (d *desk) Advance(_ context.Context, part string, position any) (err error) {
	if d.position == nil {
		d.position = map[string][]byte{}
	}
	d.position[part], err = json.Marshal(position)
	return err
}

func (d *desk) Again(context.Context, string) ([]string, error) { return nil, nil }

func (d *desk) Fail(context.Context, string, string, string) (connectors.Failure, error) {
	return connectors.Failure{}, nil
}
func (d *desk) SetAside(context.Context, string, string) error { return nil }
func (d *desk) Forget(context.Context, string, string) error   { return nil }

// round lets the poller go once through what there is to ask.
func (d *desk) round(t *testing.T, i *onec.Instance) ([]pipeline.Event, error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err := i.Poll(ctx, connectors.Desk{Sink: d, Memory: d, Well: stop})
	d.mu.Lock()
	defer d.mu.Unlock()
	came := d.events
	d.events = nil
	return came, err
}

func TestNewLeadsComeOnceAndOldOnesNot(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), `"overlap":3`)
	add := func(name string) string {
		ref, err := base.Add(onectest.Leads, onectest.Object{"Description": name, "КонтактнаяИнформация": []onectest.Object{{"LineNumber": "1", "Тип": "Телефон", "НомерТелефона": "79120000011"}}})
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	for n := range 20 {
		add(fmt.Sprint("старый ", n))
	}
	d := &desk{}
	if came, err := d.round(t, i); err != nil || len(came) != 0 {
		t.Fatalf("%d old leads came, %v", len(came), err)
	}
	ref := add("новый")
	if _, err := base.Add(onectest.Leads, onectest.Object{"Description": "папка", "IsFolder": true}); err != nil {
		t.Fatal(err)
	}
	d.fail = errors.New("the bus is away")
	if _, err := d.round(t, i); err == nil {
		t.Fatal("what could not be accepted is passed over")
	}
	d.fail = nil
	came, err := d.round(t, i)
	if err != nil || len(came) != 1 || came[0].Subject != ref {
		t.Fatalf("%v, %v", came, err)
	}
	if again, err := d.round(t, i); err != nil || len(again) != 0 {
		t.Errorf("%d came again, %v", len(again), err)
	}
	in, err := i.Translate(came[0])
	if err != nil || in[0].Name != "новый" || in[0].Points[0].Value != "+79120000011" || in[0].Channel != leads.ChannelOneC {
		t.Errorf("%+v, %v", in, err)
	}
}

func TestALeadOfBeforeThatIsEditedIsNoNewOne(t *testing.T) {
	for history, want := range map[bool]bool{false: true, true: false} {
		base, i := serve(t, onectest.AsSeen(), fmt.Sprintf(`"history":%t,"plan":"Маршрут","node":%q`, history, onectest.PlanNode))
		add := func(name string, made time.Time) string {
			ref, err := base.Add(onectest.Leads, onectest.Object{"Description": name, "ДатаСоздания": made.In(time.FixedZone("Москва", 3*60*60)).Format("2006-01-02T00:00:00")})
			if err != nil {
				t.Fatal(err)
			}
			return ref
		}
		// Both ways find what is edited: the watch, which reads the latest again, and the plan, for which all may be registered.
		old := add("старый", time.Now().AddDate(0, -1, 0))
		d := &desk{}
		first, err := d.round(t, i)
		if err != nil {
			t.Fatal(err)
		}
		if err := base.Edit(onectest.Leads, old, func(o onectest.Object) { o["Комментарий"] = "позвонил опять" }); err != nil {
			t.Fatal(err)
		}
		fresh := add("новый", time.Now())
		came, err := d.round(t, i)
		if err != nil || len(came) == 0 {
			t.Fatalf("%v, %v", came, err)
		}
		for _, e := range append(first, came...) {
			m, err := i.Understand(e)
			if err != nil || m.Earlier != (want && m.Ref == old) || m.Ref != old && m.Ref != fresh {
				t.Errorf("with history %t: %+v, %v", history, m, err)
			}
		}
	}
}

func TestANewLeadWithAnEarlierPrefixIsFound(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), `"overlap":3`)
	add := func(code, name string, made time.Time) string {
		ref, err := base.Add(onectest.Leads, onectest.Object{"Code": code, "Description": name, "ДатаСоздания": made.In(time.FixedZone("Москва", 3*60*60)).Format("2006-01-02T00:00:00")})
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	for n := range 10 {
		add(fmt.Sprintf("ФР-%06d", n), "старый", time.Now().AddDate(0, -1, 0))
	}
	d := &desk{}
	if _, err := d.round(t, i); err != nil {
		t.Fatal(err)
	}
	add("АБ-000001", "давний лид телефона, который пришёл лишь теперь", time.Now().AddDate(0, -1, 0))
	ref := add("МП-000001", "записан в телефоне", time.Now())
	came, err := d.round(t, i)
	if err != nil || len(came) != 1 || came[0].Subject != ref {
		t.Fatalf("%v, %v", came, err)
	}
	if again, err := d.round(t, i); err != nil || len(again) != 0 {
		t.Errorf("%d came again, %v", len(again), err)
	}
}

func TestWhatIsKnownIsAskedForInAsFewCallsAsCanBe(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), `"history":true`)
	for n := range 170 {
		if _, err := base.Add(onectest.Leads, onectest.Object{"Description": fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	d := &desk{}
	if came, err := d.round(t, i); err != nil || len(came) != 170 {
		t.Fatalf("%d came, %v", len(came), err)
	}
	before := len(base.Calls())
	if came, err := d.round(t, i); err != nil || len(came) != 0 {
		t.Fatalf("%d came again, %v", len(came), err)
	}
	asked := 0
	for _, call := range base.Calls()[before:] {
		if strings.Contains(call, onectest.Leads) {
			asked++
		}
	}
	if asked != 2 { // for the latest, and for those of other prefixes
		t.Errorf("a base where nothing happens is asked %d times", asked)
	}
}

func TestALeadWhoseTransactionEndedLateIsFoundByTheOverlap(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), `"history":true,"overlap":5`)
	for _, code := range []string{"000000001", "000000002", "000000004"} {
		if _, err := base.Add(onectest.Leads, onectest.Object{"Code": code, "Description": code}); err != nil {
			t.Fatal(err)
		}
	}
	d := &desk{}
	if came, err := d.round(t, i); err != nil || len(came) != 3 {
		t.Fatalf("%d came, %v", len(came), err)
	}
	late, err := base.Add(onectest.Leads, onectest.Object{"Code": "000000003", "Description": "опоздавший"})
	if err != nil {
		t.Fatal(err)
	}
	came, err := d.round(t, i)
	if err != nil || len(came) != 1 || came[0].Subject != late {
		t.Errorf("%v, %v", came, err)
	}
}

func TestAChangeIsAcknowledgedOnlyWhenItIsDurable(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), `"leads":false,"plan":"Маршрут","node":"`+onectest.PlanNode+`"`)
	ref, err := base.Add(onectest.Leads, onectest.Object{"Description": "Анна"})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{fail: errors.New("the bus is away")}
	if _, err := d.round(t, i); err == nil {
		t.Fatal("no error")
	}
	i = again(t, base) // another process goes on
	d.fail = nil
	came, err := d.round(t, i)
	if err != nil || len(came) != 1 || came[0].Subject != ref || came[0].Attributes["kind"] != "lead" {
		t.Fatalf("%v, %v", came, err)
	}
	if came, err := d.round(t, i); err != nil || len(came) != 0 {
		t.Errorf("%v came after the acknowledgement, %v", came, err)
	}
	// The same version, found by the watch, is the same event.
	o, _ := base.Get(onectest.Leads, ref)
	if came[0].ID != pipeline.ID("test", "id", ref, o.Text("DataVersion")) {
		t.Error("the identity is not that of the version")
	}
	if err := base.Remove(onectest.Leads, ref); err != nil {
		t.Fatal(err)
	}
	came, err = d.round(t, i)
	if err != nil || len(came) != 1 {
		t.Fatalf("%v, %v", came, err)
	}
	if m, err := i.Understand(came[0]); err != nil || !m.Deleted || m.Ref != ref {
		t.Errorf("%+v, %v", m, err)
	}
}

// again opens the connection anew, as another process would.
func again(t *testing.T, base *onectest.Base) *onec.Instance {
	t.Helper()
	server := httptest.NewServer(base)
	t.Cleanup(server.Close)
	c := connectortest.Open(t, infobase.Provider(), fmt.Sprintf(`{"url":%q,"user":"gateway","leads":false,"plan":"Маршрут","node":%q}`, server.URL, onectest.PlanNode), map[string]string{"password": password})
	return c.Instance.(*onec.Instance)
}

func TestAChangeFeedThatFailsIsLeftAloneAndNewLeadsStillCome(t *testing.T) {
	base, err := onectest.New(onectest.Options{Schema: onectest.UNF(), Password: password})
	if err != nil {
		t.Fatal(err)
	}
	var feeds atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "SelectChanges") {
			feeds.Add(1)
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, said(-1, "Нет места на диске"))
			return
		}
		base.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c := connectortest.Open(t, infobase.Provider(), fmt.Sprintf(`{"url":%q,"user":"gateway","leads":true,"history":true,"plan":"Маршрут","node":%q}`,
		server.URL+"/unf", onectest.PlanNode), map[string]string{"password": password})
	i := c.Instance.(*onec.Instance)
	d := &desk{}
	if _, err := d.round(t, i); err == nil {
		t.Fatal("a feed that fails is no trouble")
	}
	if _, err := base.Add(onectest.Leads, onectest.Object{"Description": "Анна"}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	came := connectors.SinkFunc(func(_ context.Context, events ...pipeline.Event) error {
		if len(events) > 0 {
			stop()
		}
		return nil
	})
	well := func() { t.Error("it is said to be well while changes cannot arrive") }
	if err := i.Poll(ctx, connectors.Desk{Sink: came, Memory: d, Well: well}); err != nil || feeds.Load() != 1 {
		t.Errorf("%v, and the feed was asked for %d times", err, feeds.Load())
	}
}

func TestLicencesAreGivenBackWhenPollingEnds(t *testing.T) {
	base, i := serve(t, onectest.Behaviour{}, words)
	if _, err := (&desk{}).round(t, i); err != nil {
		t.Fatal(err)
	}
	if n := base.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestATestOfABaseSaysWhatIsWrongAndKeepsNoLicence(t *testing.T) {
	base, i := serve(t, onectest.Behaviour{}, words+`,"plan":"Маршрут","node":"`+onectest.PlanNode+`"`)
	if err := i.Test(t.Context()); err != nil || base.Sessions() != 0 {
		t.Errorf("says %v, %d sessions are left", err, base.Sessions())
	}
	stranger := connectortest.Open(t, infobase.Provider(), `{"url":"http://127.0.0.1:1/unf","user":"gateway",`+words+`}`, map[string]string{"password": password})
	if err := stranger.Instance.(*onec.Instance).Test(t.Context()); err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestNoSecretOfTheBaseIsInAnEvent(t *testing.T) {
	base, i := serve(t, onectest.AsSeen(), `"history":true`)
	if _, err := base.Add(onectest.Leads, onectest.Object{"Description": "Анна", "Комментарий": "пароль " + password}); err != nil {
		t.Fatal(err)
	}
	came, err := (&desk{}).round(t, i)
	if err != nil || len(came) != 1 || strings.Contains(string(came[0].Data), password) {
		t.Errorf("%v, %v", came, err)
	}
}

func TestNoRecordMakesItPanic(t *testing.T) {
	_, i := serve(t, onectest.AsSeen(), words)
	rapid.Check(t, func(r *rapid.T) {
		e := pipeline.Event{Data: rapid.SliceOf(rapid.Byte()).Draw(r, "data"), Time: time.Now(),
			DataContentType: rapid.SampledFrom([]string{"application/json", "application/atom+xml"}).Draw(r, "type")}
		if rapid.Bool().Draw(r, "an object") {
			e.Data = []byte(`{"Ref_Key":"x","КонтактнаяИнформация":[{"Тип":"Телефон","Представление":` + fmt.Sprintf("%q", rapid.String().Draw(r, "text")) + `}],"Description":1}`)
		}
		e.SetAttribute("kind", rapid.SampledFrom([]string{"lead", "client", "outcome", "", "x"}).Draw(r, "kind"))
		e.SetAttribute("ref", rapid.SampledFrom([]string{onectest.PlanNode, "", "'"}).Draw(r, "ref"))
		_, _ = i.Understand(e)
		_, _ = i.Translate(e)
	})
}
