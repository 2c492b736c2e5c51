package odata_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"marshrut/connectors/onec/odata"
	"marshrut/connectors/onec/onectest"
)

const password = "пароль-службы-9"

// serve starts a base and a client of it.
func serve(t *testing.T, behaviour onectest.Behaviour, change ...func(*odata.Options)) (*onectest.Base, *odata.Client) {
	t.Helper()
	base, err := onectest.New(onectest.Options{Schema: onectest.UNF(), User: "Шлюз", Password: password, Behaviour: behaviour})
	if err != nil {
		t.Fatal(err)
	}
	return base, connect(t, base, change...)
}

func connect(t *testing.T, handler http.Handler, change ...func(*odata.Options)) *odata.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o := odata.Options{URL: server.URL + "/unf", User: "Шлюз", Password: password, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	for _, f := range change {
		f(&o)
	}
	c, err := odata.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, want odata.Kind) {
	t.Helper()
	if odata.KindOf(err) != want {
		t.Errorf("got %v (%q), want kind %q", err, odata.KindOf(err), want)
	}
	if err != nil && (strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "Ромашкина")) {
		t.Errorf("%v tells what it should not", err)
	}
}

func TestAddressesAreThoseOfTheService(t *testing.T) {
	for given, want := range map[string]string{
		"https://1c.example.org/base":                         "https://1c.example.org/base/odata/standard.odata",
		"https://1c.example.org/base/":                        "https://1c.example.org/base/odata/standard.odata",
		"http://1c.example.org:8080/УНФ":                      "http://1c.example.org:8080/%D0%A3%D0%9D%D0%A4/odata/standard.odata",
		"https://1c.example.org/base/odata/standard.odata/":   "https://1c.example.org/base/odata/standard.odata",
		"https://user:secret@1c.example.org/base":             "",
		"1c.example.org/base":                                 "",
		"ftp://1c.example.org/base":                           "",
		"https://1c.example.org/base?x=1#f":                   "https://1c.example.org/base/odata/standard.odata",
		" https://1c.example.org/base/odata/standard.odata\n": "https://1c.example.org/base/odata/standard.odata",
	} {
		got, err := odata.BaseURL(given)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q gives %q and %v, want %q", given, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

func TestLiteralsCannotBeLeftByWhatIsInThem(t *testing.T) {
	if got := odata.String("O'Коннор' or 1 eq 1 or 'a"); got != "'O''Коннор'' or 1 eq 1 or ''a'" {
		t.Error(got)
	}
	if got := odata.GUID("x') or ("); got != "guid'"+odata.EmptyRef+"'" {
		t.Error(got)
	}
	if got := odata.Cast("5a1f0000-0000-4000-8000-000000000001", "Catalog_Пользователи"); got != "cast(guid'5a1f0000-0000-4000-8000-000000000001','Catalog_Пользователи')" {
		t.Error(got)
	}
	if got := (odata.Query{"$filter=Code eq '1 2+3&4'", "$top=5"}).String(); got != "?$filter=Code%20eq%20%271%202%2B3%264%27&$top=5" {
		t.Error(got)
	}
}

func TestAReferenceOfOursIsTheSameForTheSameObject(t *testing.T) {
	a, b, c := odata.NewRef("base", "lead", "17"), odata.NewRef("base", "lead", "17"), odata.NewRef("base", "lead1", "7")
	if a != b || a == c || !odata.IsGUID(a) || a[14] != '5' {
		t.Errorf("%s %s %s", a, b, c)
	}
}

func TestDatesAreWallClockReadings(t *testing.T) {
	zone := time.FixedZone("Екатеринбург", 5*3600)
	at, ok := odata.ParseDate("2026-03-02T10:15:00", zone)
	if !ok || !at.Equal(time.Date(2026, 3, 2, 5, 15, 0, 0, time.UTC)) {
		t.Errorf("%v, %v", at, ok)
	}
	for _, none := range []string{odata.EmptyDate, "", "вчера", "2026-13-40T00:00:00"} {
		if _, ok := odata.ParseDate(none, zone); ok {
			t.Errorf("%q is taken for a date", none)
		}
	}
	if odata.FormatDate(at) != "2026-03-02T10:15:00" || odata.FormatDate(time.Time{}) != odata.EmptyDate {
		t.Error("dates are written otherwise than read")
	}
}

func TestValuesAreReadAsBasesWriteThem(t *testing.T) {
	e, err := odata.DecodeEntity([]byte("\xef\xbb\xbf" + `{"Ref_Key":"AAAA0000-0000-4000-8000-00000000000B","DataVersion":"AAAAAQAAAAA=","DeletionMark":true,"Code":"000000001      ",
		"Сумма":12345678901234567.89,"Склад_Key":"00000000-0000-0000-0000-000000000000","Дата":"0001-01-01T00:00:00",
		"Товары":[{"LineNumber":"1","Количество":2}],"Склад@navigationLinkUrl":"x","ничего":null,"вложено":{"a":1}}`))
	must(t, err)
	if e.Ref() != "aaaa0000-0000-4000-8000-00000000000b" || !e.Deleted() || e.Text("Code") != "000000001" || e.Text("Сумма") != "12345678901234567.89" ||
		e.Text("Склад_Key") != "" || e.Text("Дата") != "" || e.Text("ничего") != "" || e.Rows("Товары")[0].Text("LineNumber") != "1" {
		t.Errorf("%v", e)
	}
	if !odata.Newer("AAAAAQAAAAA=", "AAAAAAAETag=") || odata.Newer("AAAAAAAETag=", "AAAAAQAAAAA=") || odata.Newer("", "AAAAAAAAAAE=") {
		t.Error("versions are not compared as numbers of eight bytes")
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	base, c := serve(t, onectest.AsSeen())
	ref := odata.NewRef("t", "1")
	e, created, err := c.Create(t.Context(), onectest.Leads, ref, odata.Entity{"Description": "Анна Ромашкина"})
	must(t, err)
	if !created || e.Ref() != ref || e.Text("Code") != "000000001" {
		t.Errorf("created %v: %v", created, e)
	}
	again, created, err := c.Create(t.Context(), onectest.Leads, ref, odata.Entity{"Description": "Анна Ромашкина"})
	must(t, err)
	if created || again.Version() != e.Version() || len(base.All(onectest.Leads)) != 1 {
		t.Errorf("a repeat created %v, %v", created, again)
	}
	changed, err := c.Patch(t.Context(), onectest.Leads, ref, e.Version(), odata.Entity{"Комментарий": "перезвонить"})
	must(t, err)
	if changed.Text("Комментарий") != "перезвонить" || changed.Text("Description") != "Анна Ромашкина" || !odata.Newer(changed.Version(), e.Version()) {
		t.Errorf("%v", changed)
	}
	_, err = c.Patch(t.Context(), onectest.Leads, ref, e.Version(), odata.Entity{"Комментарий": "x"})
	wantKind(t, err, odata.Changed)
	_, err = c.Get(t.Context(), onectest.Leads, odata.NewRef("nobody"))
	wantKind(t, err, odata.NotFound)
	_, err = c.Get(t.Context(), "Catalog_Чужое", ref)
	wantKind(t, err, odata.NotPublished)
}

func TestABaseThatLooksAtVersionsRefusesAStaleWrite(t *testing.T) {
	base, _ := serve(t, onectest.Behaviour{})
	ref, err := base.Add(onectest.Leads, onectest.Object{"Description": "a"})
	must(t, err)
	// Somebody writes after the comparison and before the write.
	var once atomic.Bool
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch && !once.Swap(true) {
			must(t, base.Edit(onectest.Leads, ref, func(o onectest.Object) { o["Комментарий"] = "из 1С" }))
		}
		base.ServeHTTP(w, r)
	}))
	seen, err := c.Get(t.Context(), onectest.Leads, ref)
	must(t, err)
	_, err = c.Patch(t.Context(), onectest.Leads, ref, seen.Version(), odata.Entity{"Комментарий": "от нас"})
	wantKind(t, err, odata.Changed)
	if o, _ := base.Get(onectest.Leads, ref); o.Text("Комментарий") != "из 1С" {
		t.Errorf("it was written over: %v", o)
	}
}

func TestWhatABaseCutsOffOrPassesOverIsNoticed(t *testing.T) {
	_, c := serve(t, onectest.AsSeen())
	sent := odata.Entity{"Description": strings.Repeat("я", 120), "НетТакогоПоля": "x", "Комментарий": "цел",
		"КонтактнаяИнформация": []odata.Entity{{"LineNumber": "1", "Тип": "Телефон", "НомерТелефона": strings.Repeat("7", 30)}}}
	got, _, err := c.Create(t.Context(), onectest.Leads, odata.NewRef("cut"), sent)
	must(t, err)
	err = odata.Verify(onectest.Leads, sent, got)
	wantKind(t, err, odata.Truncated)
	for _, field := range []string{"Description", "НетТакогоПоля", "КонтактнаяИнформация"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
	if strings.Contains(err.Error(), "Комментарий") || strings.Contains(err.Error(), "яяя") {
		t.Errorf("%v names too much", err)
	}
}

func TestABaseThatGivesReferencesOfItsOwnSaysWhich(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{OwnRefs: true})
	sent := odata.Entity{"Description": "Анна Ромашкина", "ДатаСоздания": "2026-05-04T00:00:00"}
	e, created, err := c.Create(t.Context(), onectest.Leads, odata.NewRef("x"), sent)
	must(t, err)
	if !created || e.Ref() == odata.NewRef("x") || !odata.IsGUID(e.Ref()) {
		t.Errorf("created %v as %s", created, e.Ref())
	}
	const then = "ДатаСоздания eq datetime'2026-05-04T00:00:00'"
	named := func(name string) func(odata.Entity) bool {
		return func(e odata.Entity) bool { return e.Text("Description") == name }
	}
	twin, err := c.Twin(t.Context(), onectest.Leads, then, named("Анна Ромашкина"))
	must(t, err)
	if twin.Ref() != e.Ref() {
		t.Errorf("the one that is there is not found: %v", twin)
	}
	twin, err = c.Twin(t.Context(), onectest.Leads, then, named("Пётр"))
	must(t, err)
	if twin != nil || len(base.All(onectest.Leads)) != 1 {
		t.Errorf("another one is taken for it: %v", twin)
	}
}

func TestAWriteWithoutAnAnswerIsReadBeforeItIsRepeated(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{LosesAnswers: 1})
	ref := odata.NewRef("lost")
	e, created, err := c.Create(t.Context(), onectest.Leads, ref, odata.Entity{"Description": "Анна Ромашкина"})
	must(t, err)
	if created || e.Ref() != ref || len(base.All(onectest.Leads)) != 1 {
		t.Errorf("%v %v: %d leads", created, e, len(base.All(onectest.Leads)))
	}
	_, err = c.Patch(t.Context(), onectest.Leads, ref, e.Version(), odata.Entity{"Комментарий": "раз"})
	wantKind(t, err, odata.Ambiguous)
	posts := 0
	for _, call := range base.Calls() {
		if strings.HasPrefix(call, "POST") {
			posts++
		}
	}
	if posts != 1 {
		t.Errorf("%d posts, want the one", posts)
	}

	_, c = serve(t, onectest.Behaviour{LosesCalls: 1})
	_, _, err = c.Create(t.Context(), onectest.Leads, ref, odata.Entity{"Description": "Анна Ромашкина"})
	wantKind(t, err, odata.Ambiguous)
}

func TestReadingIsRepeatedAndWritingIsNot(t *testing.T) {
	var calls atomic.Int32
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "<html><body>nginx</body></html>")
	}))
	_, err := c.Get(t.Context(), onectest.Leads, odata.NewRef("x"))
	wantKind(t, err, odata.Unavailable)
	if calls.Swap(0) != 3 {
		t.Error("reading is not tried three times")
	}
	err = c.Act(t.Context(), onectest.Interactions, odata.NewRef("x"), "Post", nil)
	wantKind(t, err, odata.Ambiguous)
	if calls.Load() != 1 {
		t.Error("an action was repeated blindly")
	}
}

func TestNoRedirectIsFollowedByWhateverMakesTheCalls(t *testing.T) {
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/elsewhere") {
			t.Errorf("the call went along, with the password %q", r.Header.Get("Authorization"))
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}), func(o *odata.Options) { o.HTTP = &http.Client{} })
	wantKind(t, c.Ping(t.Context()), odata.NotOData)
}

func TestErrorsOfEveryFormatAreUnderstood(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		typ    string
		body   string
		method string
		want   odata.Kind
	}{
		"json":                {404, "application/json", `{"odata.error":{"code":"9","message":{"lang":"ru","value":"Экземпляр не найден"}}}`, "GET", odata.NotFound},
		"json, code a number": {400, "application/json", `{"odata.error":{"code":15,"message":{"value":"есть"}}}`, "GET", odata.Exists},
		"xml":                 {404, "application/xml", `<?xml version="1.0"?><m:error xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><m:code>8</m:code><m:message xml:lang="ru">нет</m:message></m:error>`, "GET", odata.NotPublished},
		"xml called json":     {401, "application/json", `<m:error xmlns:m="x"><m:code>20</m:code><m:message>нет прав</m:message></m:error>`, "GET", odata.Forbidden},
		"application server":  {403, "application/json", "\xef\xbb\xbf" + `{"#exception":"E","exception":{"reason":403,"descr":"Начало сеанса запрещено","inner":{}}}`, "GET", odata.NoSession},
		"no licence":          {406, "", ``, "GET", odata.NoSession},
		"wrong password":      {401, "text/html", `<html><body>401</body></html>`, "GET", odata.Forbidden},
		"page of iis":         {404, "text/html", `<!DOCTYPE html><html><head><style>a{}</style></head><body>404 - File not found</body></html>`, "GET", odata.NotPublished},
		"led elsewhere":       {301, "text/html", `<html>moved</html>`, "GET", odata.NotOData},
		"to a page, writing":  {302, "", ``, "POST", odata.NotOData},
		"sign-in page":        {200, "text/html; charset=utf-8", `<html><form></form></html>`, "GET", odata.NotOData},
		"page without a type": {200, "", "\n <HTML>", "GET", odata.NotOData},
		"business":            {500, "application/json", `{"odata.error":{"code":"-1","message":{"value":"Период закрыт"}}}`, "GET", odata.Business},
		"locks":               {500, "application/json", `{"odata.error":{"code":"-1","message":{"value":"Конфликт блокировок при выполнении транзакции"}}}`, "GET", odata.Locked},
		"precondition":        {412, "", ``, "GET", odata.Changed},
		"locked":              {423, "text/plain", `объект заблокирован`, "POST", odata.Locked},
		"written meanwhile":   {409, "", ``, "POST", odata.Changed},
		"no licence paid for": {402, "", ``, "GET", odata.NoSession},
		"too many":            {429, "", ``, "POST", odata.Unavailable},
		"gateway, reading":    {504, "text/html", `<html></html>`, "GET", odata.Unavailable},
		"gateway, writing":    {504, "text/html", `<html></html>`, "POST", odata.Ambiguous},
		"not implemented":     {501, "", ``, "GET", odata.Refused},
		"bad filter":          {400, "application/json", `{"odata.error":{"code":"14","message":{"value":"Ошибка разбора Ромашкина"}}}`, "GET", odata.Refused},
		"rubbish":             {500, "application/json", `{"odata.error":`, "GET", odata.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			client := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", c.typ)
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			var err error
			if c.method == "GET" {
				_, err = client.Get(t.Context(), onectest.Leads, odata.NewRef("x"))
			} else {
				err = client.Act(t.Context(), onectest.Leads, odata.NewRef("x"), "Post", nil)
			}
			wantKind(t, err, c.want)
		})
	}
}

func TestTheWordsOfAConfigurationComeWithoutOurValues(t *testing.T) {
	base, c := serve(t, onectest.AsSeen())
	base.Behave(func(b *onectest.Behaviour) {
		b.Business = map[string]string{onectest.Leads: "Не заполнено поле «Ответственный», тел. +7 912 000-00-11, a@example.org"}
	})
	_, _, err := c.Create(t.Context(), onectest.Leads, odata.NewRef("x"), odata.Entity{"Description": "Анна Ромашкина"})
	wantKind(t, err, odata.Business)
	for _, secret := range []string{"Анна", "912", "example"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%v tells %q", err, secret)
		}
	}
	if !strings.Contains(err.Error(), "Не заполнено поле «Ответственный»") {
		t.Errorf("%v does not say what is missing", err)
	}
}

func TestAReferenceIsTheSameInCapitals(t *testing.T) {
	ref := odata.NewRef("stage")
	sent := odata.Entity{"СостояниеЛида_Key": ref, "Участники": []odata.Entity{{"LineNumber": "1", "Контакт": ref}}}
	got := odata.Entity{"СостояниеЛида_Key": strings.ToUpper(ref), "Участники": []odata.Entity{{"LineNumber": "1", "Контакт": strings.ToUpper(ref)}}}
	must(t, odata.Verify(onectest.Leads, sent, got))
	if got.Text("СостояниеЛида_Key") != ref {
		t.Errorf("%s is read as %s: it is looked up by what is in small letters", ref, got.Text("СостояниеЛида_Key"))
	}
}

func TestSessionsAreSharedRenewedAndGivenBack(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{MaxSessions: 2})
	var group errgroup.Group
	for range 20 {
		group.Go(func() error { return c.Ping(t.Context()) })
	}
	must(t, group.Wait())
	if n := base.Sessions(); n < 1 || n > 2 {
		t.Errorf("%d sessions, want one per slot at most", n)
	}
	base.EndSessions()
	must(t, c.Ping(t.Context()))
	must(t, c.Ping(t.Context()))
	c.Close(t.Context())
	if n := base.Sessions(); n != 0 {
		t.Errorf("%d sessions hold licences after Close", n)
	}
	must(t, c.Ping(t.Context()))
}

func TestARefusedPasswordIsNotTriedOnceMoreToGiveSessionsBack(t *testing.T) {
	base, err := onectest.New(onectest.Options{Schema: onectest.UNF(), User: "Шлюз", Password: password})
	must(t, err)
	var changed atomic.Bool
	var tries atomic.Int32
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if changed.Load() {
			tries.Add(1)
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		base.ServeHTTP(w, r)
	}))
	must(t, c.Ping(t.Context()))
	changed.Store(true)
	wantKind(t, c.Ping(t.Context()), odata.Forbidden)
	c.Close(t.Context())
	if n := tries.Load(); n != 1 {
		t.Errorf("the wrong password was sent %d times: each moves the account nearer to being locked", n)
	}
	changed.Store(false)
	must(t, c.Ping(t.Context()))
	c.Close(t.Context())
	if n := base.Sessions(); n != 1 { // the one that could not be ended
		t.Errorf("%d sessions", n)
	}
}

func TestClosingDuringACallTakesNoPlaceAway(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "hangs") {
			arrived <- struct{}{}
			<-release
		}
		fmt.Fprint(w, `{"value":[]}`)
	}))
	for range 3 {
		var group errgroup.Group
		group.Go(func() error { _, err := c.Find(t.Context(), "hangs", "", 1); return err })
		<-arrived
		ended, stop := context.WithTimeout(t.Context(), time.Millisecond)
		c.Close(ended)
		stop()
		release <- struct{}{}
		must(t, group.Wait())
	}
	patience, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	c.Close(patience)
	must(t, patience.Err())
	must(t, c.Ping(patience))
}

func TestAWriteInASessionThatEndedIsMadeOnceInANewOne(t *testing.T) {
	for _, named := range []bool{false, true} {
		base, c := serve(t, onectest.Behaviour{NamesSessions: named}, func(o *odata.Options) { o.Concurrency = 1 })
		must(t, c.Ping(t.Context()))
		base.EndSessions()
		_, created, err := c.Create(t.Context(), onectest.Leads, odata.NewRef("x"), odata.Entity{"Description": "a"})
		must(t, err)
		if !created || len(base.All(onectest.Leads)) != 1 {
			t.Errorf("created %v, %d leads", created, len(base.All(onectest.Leads)))
		}
	}
}

func TestWithoutALicenceNothingIsRepeatedAtOnce(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{MaxSessions: 1})
	other := connect(t, base)
	must(t, other.Ping(t.Context()))
	before := len(base.Calls())
	_, err := c.Get(t.Context(), onectest.Leads, odata.NewRef("x"))
	wantKind(t, err, odata.NoSession)
	if n := len(base.Calls()) - before; n != 1 {
		t.Errorf("%d calls at a base that has no licence, want 1", n)
	}
}

func TestOneLicenceIsSharedByCallsAtATime(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{MaxSessions: 1})
	must(t, c.Ping(t.Context()))
	var group errgroup.Group
	for range 30 {
		group.Go(func() error { return c.Ping(t.Context()) })
	}
	must(t, group.Wait())
	if n := base.Sessions(); n != 1 {
		t.Errorf("%d sessions", n)
	}
	c.Close(t.Context())
	must(t, c.Ping(t.Context()))
}

func TestAPublicationThatKnowsNoSessionsIsNotAskedAgain(t *testing.T) {
	var asked atomic.Int32
	base, _ := serve(t, onectest.Behaviour{IgnoresSessions: true})
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("IBSession") != "" {
			asked.Add(1)
		}
		base.ServeHTTP(w, r)
	}), func(o *odata.Options) { o.Concurrency = 1 })
	for range 5 {
		must(t, c.Ping(t.Context()))
	}
	if asked.Load() != 1 {
		t.Errorf("asked for a session %d times", asked.Load())
	}
}

func TestNoMoreCallsAreUnderWayThanAllowed(t *testing.T) {
	var now, most atomic.Int32
	release := make(chan struct{})
	two := sync.OnceFunc(func() { close(release) })
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if n == 2 {
			two()
		}
		<-release
		now.Add(-1)
		fmt.Fprint(w, `{"value":[]}`)
	}))
	var group errgroup.Group
	for range 12 {
		group.Go(func() error { return c.Ping(t.Context()) })
	}
	must(t, group.Wait())
	if most.Load() != 2 {
		t.Errorf("%d calls at a time, want 2", most.Load())
	}
}

func TestAScanGivesEveryObjectOnceWhateverThePages(t *testing.T) {
	base, c := serve(t, onectest.AsSeen())
	want := map[string]bool{}
	for i := range 700 {
		// A third of the leads were made on the same day: more than fit a page.
		day := 1 + i/300
		ref, err := base.Add(onectest.Leads, onectest.Object{"Description": strings.Repeat("о", i%90), "ДатаСоздания": fmt.Sprintf("2026-03-%02dT00:00:00", day)})
		must(t, err)
		want[ref] = true
	}
	for _, size := range []int{1, 4 << 10, 1 << 20} {
		got := map[string]int{}
		scan := odata.Scan{Set: onectest.Leads, Key: "ДатаСоздания", PageBytes: size, Literal: func(s string) string { return "datetime'" + s + "'" }}
		if size == 1 {
			scan.Filter = "Code lt '000000040'" // a page for each is slow
		}
		must(t, c.Each(t.Context(), scan, func(raw json.RawMessage, e odata.Entity) error {
			got[e.Ref()]++
			return nil
		}))
		for ref, n := range got {
			if n != 1 || !want[ref] {
				t.Fatalf("pages of %d bytes: %s came %d times", size, ref, n)
			}
		}
		if size > 1 && len(got) != len(want) {
			t.Errorf("pages of %d bytes: %d of %d objects", size, len(got), len(want))
		}
	}
}

func TestAListThatComesInLinkedPagesIsReadToItsEnd(t *testing.T) {
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, from, rows := r.URL.Query(), "", []odata.Entity{}
		if _, after, ok := strings.Cut(q.Get("$filter"), "Code ge '"); ok {
			from = strings.TrimSuffix(after, "'")
		}
		skip, _ := strconv.Atoi(q.Get("$skip"))
		for n := range 7 { // three at a time, whatever is asked for
			if code := fmt.Sprint("Ф", n); code >= from {
				rows = append(rows, odata.Entity{"Ref_Key": odata.NewRef(code), "Code": code})
			}
		}
		rows = rows[skip:]
		list := map[string]any{"value": rows}
		if len(rows) > 3 {
			list["value"], list["odata.nextLink"] = rows[:3], "Catalog_X?$skip=3"
		}
		must(t, json.NewEncoder(w).Encode(list))
	}))
	var codes []string
	must(t, c.Each(t.Context(), odata.Scan{Set: onectest.Leads, Key: "Code", Literal: odata.String}, func(_ json.RawMessage, e odata.Entity) error {
		codes = append(codes, e.Text("Code"))
		return nil
	}))
	if !slices.Equal(codes, []string{"Ф0", "Ф1", "Ф2", "Ф3", "Ф4", "Ф5", "Ф6"}) {
		t.Errorf("the scan gave %q", codes)
	}
	found, err := c.Find(t.Context(), onectest.Leads, "", 5000)
	if err != nil || len(found) != 7 {
		t.Errorf("found %d, %v", len(found), err)
	}
}

func TestAPageThatIsTooLargeIsAskedForInParts(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{}, func(o *odata.Options) { o.MaxBody = 20 << 10 })
	for range 60 {
		_, err := base.Add(onectest.Leads, onectest.Object{"Комментарий": strings.Repeat("х", 1000)})
		must(t, err)
	}
	n := 0
	must(t, c.Each(t.Context(), odata.Scan{Set: onectest.Leads, Key: "Code", Literal: odata.String}, func(json.RawMessage, odata.Entity) error { n++; return nil }))
	if n != 60 {
		t.Errorf("%d of 60 objects", n)
	}
}

func TestMetadataAreReadOnceAndSayWhatIsPublished(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{})
	for range 3 {
		m, err := c.Metadata(t.Context())
		must(t, err)
		if m.Sets[onectest.Leads]["СостояниеЛида_Key"] != "Edm.Guid" || m.Sets["Catalog_Чужое"] != nil {
			t.Errorf("%v", m.Sets[onectest.Leads])
		}
		rows, ok := m.Section(onectest.Leads, "КонтактнаяИнформация")
		if !ok || rows["НомерТелефона"] != "Edm.String" {
			t.Errorf("rows %v, %v", rows, ok)
		}
		if !slices.Contains(m.Acts[onectest.Interactions], "Post") {
			t.Errorf("actions %v", m.Acts)
		}
	}
	asked := 0
	for _, call := range base.Calls() {
		if strings.Contains(call, "$metadata") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	c.ForgetMetadata()
	base.Behave(func(b *onectest.Behaviour) { b.FailsMetadata = true })
	_, err := c.Metadata(t.Context())
	wantKind(t, err, odata.Unavailable)
}

func TestChangesComeUntilTheyAreAcknowledged(t *testing.T) {
	base, c := serve(t, onectest.AsSeen())
	node := odata.Node{Plan: onectest.Plan, Ref: onectest.PlanNode}
	kept, err := base.Add(onectest.Leads, onectest.Object{"Description": "Остаётся & <растёт>", "КонтактнаяИнформация": []onectest.Object{{"LineNumber": "1", "НомерТелефона": "79120000011"}}})
	must(t, err)
	gone, err := base.Add(onectest.Clients, onectest.Object{"Description": "Уходит"})
	must(t, err)
	must(t, base.Remove(onectest.Clients, gone))
	read := func() map[string]odata.Change {
		number, err := c.NextMessage(t.Context(), node)
		must(t, err)
		got := map[string]odata.Change{}
		must(t, c.SelectChanges(t.Context(), node, number, func(ch odata.Change) error { got[ch.Ref] = ch; return nil }))
		return got
	}
	for range 2 { // the same once more until it is acknowledged
		got := read()
		if len(got) != 2 || got[kept].Set != onectest.Leads || !got[gone].Deleted {
			t.Fatalf("%v", got)
		}
		e, err := odata.DecodeEntry(got[kept].Raw)
		must(t, err)
		if e.Text("Description") != "Остаётся & <растёт>" || e.Rows("КонтактнаяИнформация")[0].Text("НомерТелефона") != "79120000011" {
			t.Errorf("%v", e)
		}
	}
	// What changes between asking and acknowledging is not lost.
	must(t, base.Edit(onectest.Leads, kept, func(o onectest.Object) { o["Комментарий"] = "позже" }))
	number, err := c.NextMessage(t.Context(), node)
	must(t, err)
	must(t, c.NotifyChangesReceived(t.Context(), node, number))
	if got := read(); len(got) != 1 || got[kept].Raw == nil {
		t.Errorf("after the acknowledgement come %v", got)
	}
	_, err = c.NextMessage(t.Context(), odata.Node{Plan: onectest.Plan, Ref: "7e1d0c5a-93b4-4f0e-8a61-2b5c9d8e7f00"})
	if err == nil {
		t.Error("the base's own node is taken")
	}
}

func TestVersionsThatCannotBeComparedAreNews(t *testing.T) {
	if !odata.Newer("17", "16") || !odata.Newer("AAAAAAE=", "AAAAAAI=") || !odata.Newer("17", "") || odata.Newer("17", "17") || odata.Newer("", "17") {
		t.Error("a base that writes its versions otherwise is not heard")
	}
}

func TestAFeedOfRegistersAloneIsToldOf(t *testing.T) {
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/atom+xml;type=feed;charset=utf-8")
		fmt.Fprint(w, `<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>http://h/b/odata/standard.odata/InformationRegister_X(Recorder='1')</id></entry>`,
			"<entry><id>http://h/b/odata/standard.odata/Catalog_Лиды(guid'"+odata.NewRef("x")+"')</id><summary>\x0bкто-то вставил\x01</summary></entry></feed>")
	}))
	var sets []string
	must(t, c.SelectChanges(t.Context(), odata.Node{Plan: onectest.Plan, Ref: onectest.PlanNode}, 1, func(ch odata.Change) error { sets = append(sets, ch.Set); return nil }))
	if !slices.Equal(sets, []string{"", onectest.Leads}) {
		t.Errorf("%q", sets)
	}
}

func TestAnAnswerThatCannotBeReadIsToldFromAWebPage(t *testing.T) {
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"value":["no object"],"ReceivedNo":"x"}`)
	}))
	node := odata.Node{Plan: onectest.Plan, Ref: onectest.PlanNode}
	for name, call := range map[string]func() error{
		"a list": func() error { _, err := c.Find(t.Context(), onectest.Leads, "", 1); return err },
		"a scan": func() error {
			return c.Each(t.Context(), odata.Scan{Set: onectest.Leads, Key: "Code", Literal: odata.String}, func(json.RawMessage, odata.Entity) error { return nil })
		},
		"a node": func() error { _, err := c.NextMessage(t.Context(), node); return err },
		"a feed": func() error {
			return c.SelectChanges(t.Context(), node, 1, func(odata.Change) error { return nil })
		},
	} {
		if err := call(); odata.KindOf(err) != odata.NotOData || !errors.Is(err, odata.ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, c = serve(t, onectest.Behaviour{Login: true})
	err := c.SelectChanges(t.Context(), node, 1, func(odata.Change) error { return nil })
	if odata.KindOf(err) != odata.NotOData || errors.Is(err, odata.ErrUnreadable) {
		t.Errorf("a page: %v", err)
	}
}

func TestAFeedMayBeLargerThanAnyAnswer(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{}, func(o *odata.Options) { o.MaxBody = 8 << 10 })
	for i := range 100 {
		_, err := base.Add(onectest.Leads, onectest.Object{"Description": fmt.Sprint("Лид ", i)})
		must(t, err)
	}
	n, bytes := 0, 0
	must(t, c.SelectChanges(t.Context(), odata.Node{Plan: onectest.Plan, Ref: onectest.PlanNode}, 1, func(ch odata.Change) error {
		n, bytes = n+1, bytes+len(ch.Raw)
		e, err := odata.DecodeEntry(ch.Raw)
		if err == nil && (e.Ref() != ch.Ref || !strings.HasPrefix(e.Text("Description"), "Лид ")) {
			t.Errorf("%s is read as %v", ch.Ref, e)
		}
		return err
	}))
	if n != 100 || bytes < 8*(8<<10) {
		t.Errorf("%d changes of %d bytes", n, bytes)
	}
}

func TestWhatAFeedIsReadForMayStopIt(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{})
	_, err := base.Add(onectest.Leads, onectest.Object{"Description": "a"})
	must(t, err)
	full := errors.New("nobody takes it")
	err = c.SelectChanges(t.Context(), odata.Node{Plan: onectest.Plan, Ref: onectest.PlanNode}, 1, func(odata.Change) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
}

func TestALostAnswerToSelectChangesIsNoReasonToStop(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{LosesAnswers: 1})
	_, err := base.Add(onectest.Leads, onectest.Object{"Description": "a"})
	must(t, err)
	err = c.SelectChanges(t.Context(), odata.Node{Plan: onectest.Plan, Ref: onectest.PlanNode}, 1, func(odata.Change) error { return nil })
	wantKind(t, err, odata.Unavailable)
}

func TestAnActionIsDoneOnceAndSaysWhyNot(t *testing.T) {
	base, c := serve(t, onectest.Behaviour{})
	ref, err := base.Add(onectest.Interactions, onectest.Object{"Тема": "Звонок"})
	must(t, err)
	must(t, c.Act(t.Context(), onectest.Interactions, ref, "Post", odata.Query{"PostingModeOperational=false"}))
	if o, _ := base.Get(onectest.Interactions, ref); o["Posted"] != true {
		t.Errorf("%v", o)
	}
	base.Behave(func(b *onectest.Behaviour) { b.RefusesPostings = true })
	wantKind(t, c.Act(t.Context(), onectest.Interactions, ref, "Post", nil), odata.Business)
}

func TestACallEndsWithItsContext(t *testing.T) {
	_, c := serve(t, onectest.Behaviour{SlowFirst: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	wantKind(t, c.Ping(ctx), odata.Unavailable)
}

func TestABaseKeepsItsJournal(t *testing.T) {
	options := onectest.Options{Schema: onectest.UNF(), User: "Шлюз", Password: password, Journal: t.TempDir() + "/base.jsonl"}
	base, err := onectest.New(options)
	must(t, err)
	c := connect(t, base)
	ref := odata.NewRef("kept")
	_, _, err = c.Create(t.Context(), onectest.Leads, ref, odata.Entity{"Description": "Анна", "КонтактнаяИнформация": []odata.Entity{{"LineNumber": "1", "НомерТелефона": "7"}}})
	must(t, err)
	must(t, c.SelectChanges(t.Context(), odata.Node{Plan: onectest.Plan, Ref: onectest.PlanNode}, 1, func(odata.Change) error { return nil }))
	must(t, c.NotifyChangesReceived(t.Context(), odata.Node{Plan: onectest.Plan, Ref: onectest.PlanNode}, 1))
	must(t, base.Close())
	again, err := onectest.New(options)
	must(t, err)
	defer again.Close()
	o, ok := again.Get(onectest.Leads, ref)
	if !ok || o.Text("Description") != "Анна" || o.Rows("КонтактнаяИнформация")[0].Text("НомерТелефона") != "7" {
		t.Errorf("%v, %v", o, ok)
	}
	number, err := connect(t, again).NextMessage(t.Context(), odata.Node{Plan: onectest.Plan, Ref: onectest.PlanNode})
	if err != nil || number != 2 {
		t.Errorf("next is message %d, %v", number, err)
	}
}
