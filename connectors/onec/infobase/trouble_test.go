package infobase_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"marshrut/connectors"
	"marshrut/connectors/connectortest"
	"marshrut/connectors/onec"
	"marshrut/connectors/onec/infobase"
	"marshrut/connectors/onec/onectest"
)

// answering is a connection to a base that describes itself as it should and answers everything else with one answer.
func answering(t *testing.T, status int, contentType, body string) *onec.Instance {
	t.Helper()
	base, err := onectest.New(onectest.Options{Schema: onectest.UNF(), Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return opened(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "Catalog_Лиды") && !strings.Contains(r.URL.Path, "Catalog_Лиды(") {
			base.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
}

func opened(t *testing.T, handler http.HandlerFunc) *onec.Instance {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return to(t, server.URL)
}

func to(t *testing.T, address string) *onec.Instance {
	t.Helper()
	c := connectortest.Open(t, infobase.Provider(), fmt.Sprintf(`{"url":%q,"user":"gateway",%s}`, address+"/unf", words), map[string]string{"password": password})
	return c.Instance.(*onec.Instance)
}

func create(t *testing.T, i *onec.Instance) *connectors.Trouble {
	t.Helper()
	_, err := i.Create(t.Context(), connectors.MirrorLead, i.Ref("lead", 1), map[string]string{"name": "Анна", "company": "ООО Луг"})
	var trouble *connectors.Trouble
	if !errors.As(err, &trouble) {
		t.Fatalf("got %v, want a trouble", err)
	}
	return trouble
}

func said(code int, words string) string {
	return fmt.Sprintf(`{"odata.error":{"code":"%d","message":{"lang":"ru","value":%q}}}`, code, words)
}

// What is of the whole base holds its queue, what is of one object only that one. Each is said in one language at a time.
func TestTheTroublesOfABaseAreToldFromThoseOfOneObject(t *testing.T) {
	const plain, page = "application/json", "text/html"
	nobody := httptest.NewServer(nil)
	nobody.Close()
	for name, c := range map[string]struct {
		i            *onec.Instance
		whole, final bool
		words        string
	}{
		"no licence":          {answering(t, 406, plain, ""), true, false, "нет свободной лицензии"},
		"no licence, in JSON": {answering(t, 406, plain, `{"exception":{"descr":"Не обнаружено свободной лицензии!"}}`), true, false, "нет свободной лицензии"},
		"maintenance":         {answering(t, 403, plain, `{"exception":{"descr":"Идёт обновление до 18:00"}}`), true, false, "Идёт обновление до 18:00"},
		"password":            {answering(t, 401, page, "<html>401</html>"), true, true, "Проверьте пароль"},
		"publication is gone": {answering(t, 404, page, "<html>404</html>"), true, false, "нет публикации базы"},
		"set is gone":         {answering(t, 404, plain, said(8, "Сущность не найдена")), true, true, "не публикует: Справочник.Лиды"},
		"sign-in page":        {answering(t, 200, page, "<html>Войти</html>"), true, false, "веб-страница"},
		"web server":          {answering(t, 503, page, "<html>503</html>"), true, false, "не подтвердила запись (создание Справочник.Лиды, HTTP 503)"},
		"nobody listens":      {to(t, nobody.URL), true, false, "соединение не принято"},
		"not one of ours":     {opened(t, http.NotFound), true, false, "нет публикации базы"},

		"rights to one record": {answering(t, 401, plain, said(20, "Недостаточно прав")), false, true, "не хватает прав"},
		"closed period":        {answering(t, 500, plain, said(-1, "Период закрыт")), false, true, "отказала в записи: Период закрыт"},
		"without a word":       {answering(t, 500, plain, said(-1, "")), false, true, "журнале регистрации"},
		"bad value":            {answering(t, 400, plain, said(4, "Значение")), false, true, "код 4: неверное значение реквизита"},
		"locks":                {answering(t, 500, plain, said(-1, "Конфликт блокировок")), false, false, "занят другим сеансом"},
		"rubbish behind":       {answering(t, 200, plain, `{"Ref_Key":"`), false, false, "не удалось прочитать"},
	} {
		t.Run(name, func(t *testing.T) {
			trouble := create(t, c.i)
			if trouble.Whole != c.whole || trouble.Final != c.final {
				t.Errorf("whole %v, final %v: %s", trouble.Whole, trouble.Final, trouble.Words)
			}
			if !strings.Contains(trouble.Told["ru"], c.words) || trouble.Words != trouble.Told["ru"] {
				t.Errorf("%q does not say %q", trouble.Told["ru"], c.words)
			}
			inOneLanguage(t, trouble.Told)
		})
	}
}

func TestANodeThatCannotBeServedIsSaidInWords(t *testing.T) {
	base, err := onectest.New(onectest.Options{Schema: onectest.UNF(), Password: password})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(base)
	t.Cleanup(server.Close)
	for node, want := range map[string]string{"7e1d0c5a-93b4-4f0e-8a61-2b5c9d8e7f00": "узел самой базы", "7e1d0c5a-93b4-4f0e-8a61-2b5c9d8e7fff": "нет узла"} {
		c := connectortest.Open(t, infobase.Provider(), fmt.Sprintf(`{"url":%q,"user":"gateway","leads":false,"plan":"Маршрут","node":%q}`, server.URL+"/unf", node), map[string]string{"password": password})
		i := c.Instance.(*onec.Instance)
		_, polling := (&desk{}).round(t, i)
		for _, err := range []error{polling, i.Test(t.Context())} {
			var trouble *connectors.Trouble
			if !errors.As(err, &trouble) || !trouble.Whole || !trouble.Final || !strings.Contains(trouble.Told["ru"], want) {
				t.Fatalf("with node %s: %v", node, err)
			}
			inOneLanguage(t, trouble.Told)
		}
	}
}

var (
	names    = regexp.MustCompile(`HTTP|OData|REST|outgoing\.allow|\$metadata|SelectChanges|NotifyChangesReceived|1C|Справочник\.\p{L}+|Период закрыт|Идёт обновление до 18:00`)
	latin    = regexp.MustCompile(`[A-Za-z]`)
	cyrillic = regexp.MustCompile(`\p{Cyrillic}`)
)

// inOneLanguage allows names, and what a base said itself.
func inOneLanguage(t *testing.T, told connectors.Text) {
	t.Helper()
	if left := names.ReplaceAllString(told["ru"], ""); latin.MatchString(left) {
		t.Errorf("English in %q", told["ru"])
	}
	if left := names.ReplaceAllString(told["en"], ""); cyrillic.MatchString(left) || told["en"] == "" {
		t.Errorf("Russian in %q", told["en"])
	}
}
