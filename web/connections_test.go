package web

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"marshrut/leads"
)

func TestConnectionsAreShownWithTheirAddress(t *testing.T) {
	s := newStack(t)
	mark := s.as("mark")
	mark.get("/connections").says(t, http.StatusOK, "Сайт", "/connections/at/site")
	mark.get("/connections/at/site").says(t, http.StatusOK, "http://localhost:8080/in/site/", "описано в файле настроек", "<h2")
	mark.get("/connections/at/nothing").says(t, http.StatusNotFound)
	oleg := s.as("oleg").get("/connections/at/site")
	oleg.says(t, http.StatusOK, "Сайт")
	if strings.Contains(oleg.body, "/in/site/") {
		t.Error("an observer sees the secret address")
	}
	s.as("anna").get("/connections").says(t, http.StatusForbidden)
}

func TestAConnectionIsMadeChangedRenewedAndSwitchedOff(t *testing.T) {
	s := newStack(t)
	mark := s.as("mark")
	mark.get("/connections/new?provider=webform/generic").says(t, http.StatusOK, `name="s.`)
	mark.get("/connections/new?provider=webform/nobody").says(t, http.StatusNotFound)
	mark.post("/connections/new", "provider", "webform/generic", "name", "Плохое имя", "title", "Лендинг").says(t, http.StatusUnprocessableEntity, "Лендинг")
	mark.post("/connections/new", "provider", "webform/generic", "name", "landing", "title", "Лендинг", "rate_limit", "60").leadsTo(t, "/connections/at/landing")
	s.must(s.Connections.Refresh(t.Context()))
	before := mark.get("/connections/at/landing")
	before.says(t, http.StatusOK, "/in/landing/", "Лендинг")
	mark.post("/connections/at/landing", "title", "Весенний лендинг", "rate_limit", "30").leadsTo(t, "/connections/at/landing")
	mark.post("/connections/at/landing/rotate").leadsTo(t, "/connections/at/landing")
	s.must(s.Connections.Refresh(t.Context()))
	after := mark.get("/connections/at/landing")
	after.says(t, http.StatusOK, "Весенний лендинг", "Прежний адрес")
	if strings.Count(after.body, "http://localhost:8080/in/landing/") <= strings.Count(before.body, "http://localhost:8080/in/landing/") {
		t.Error("there is no second address")
	}
	mark.post("/connections/at/landing/enable").leadsTo(t, "/connections/at/landing")
	s.must(s.Connections.Refresh(t.Context()))
	mark.get("/connections/at/landing").says(t, http.StatusOK, "Включить")
	mark.post("/connections/at/site", "title", "Чужое").says(t, http.StatusUnprocessableEntity)
}

func TestAConnectionIsTestedFromItsPage(t *testing.T) {
	s := newStack(t)
	mark := s.as("mark")
	mark.get("/connections/at/site").says(t, http.StatusOK, `action="/connections/at/site/test"`)
	mark.post("/connections/at/site/test").says(t, http.StatusOK, "связь покажет только пришедшее сообщение", "ждёт первого сообщения")
	mark.post("/connections/new", "provider", "email/imap", "name", "box", "s.server", "192.0.2.1:993", "s.user", "info@example.org", "s.folders", "INBOX", "s.every", "1m", "s.security", "tls", "s.smtp_security", "tls").leadsTo(t, "/connections/at/box")
	mark.post("/connections/at/box/test").says(t, http.StatusOK, "Проверка не прошла", "192.0.2.1:993")
	if page := mark.get("/connections/at/box"); strings.Contains(page.body, "/in/box/") || strings.Contains(page.body, "ошибка") {
		t.Error("a mailbox has an address that others call, or is in trouble for having none")
	}
	mark.post("/connections/at/box/enable").leadsTo(t, "/connections/at/box")
	mark.post("/connections/at/box/test").says(t, http.StatusOK, "Подключение выключено")
	mark.post("/connections/at/nothing/test").says(t, http.StatusNotFound)
	s.as("oleg").post("/connections/at/site/test").says(t, http.StatusForbidden)
}

func TestAMapOfASettingIsUnderstoodOrRefusedByName(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"Поле 1: phone\nq2 = name":           {"Поле 1": "phone", "q2": "name"},
		"Поле 1 → phone":                     {"Поле 1": "phone"},
		"a:b = phone\r\n\r\nform[a=b]: name": {"a:b": "phone", "form[a=b]": "name"},
		"q=phone\nz:name":                    {"q": "phone", "z": "name"},
		`"Вопрос: кто?" = name`:              {"Вопрос: кто?": "name"},
		"page: https://site.example/?a=b":    {"page": "https://site.example/?a=b"},
		"  a: name\n  b: phone":              {"a": "name", "b": "phone"},
		"missed: Тема: Звонок\n  Добрый день\n\n  До связи\nnext: x": {"missed": "Тема: Звонок\nДобрый день\n\nДо связи", "next": "x"},
	} {
		got, err := pairsOf(text)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%q is %q and %v, want %q", text, got, err, want)
			continue
		}
		if again, err := pairsOf(pairsText(got)); err != nil || !maps.Equal(again, want) {
			t.Errorf("%q is written as %q and read as %q, %v", got, pairsText(got), again, err)
		}
	}
	for text, named := range map[string]string{"a: name\nПоле два phone": "Поле два phone", ": phone": ": phone", "a: name\na: phone": "«a»"} {
		var words *leads.Invalid
		if got, err := pairsOf(text); !errors.As(err, &words) || !strings.Contains(words.Message, named) {
			t.Errorf("%q is %q and %v, want a refusal that names %q", text, got, err, named)
		}
	}
}

func TestAFormThatIsRefusedSaysAllOfItInTheReadersWordsAndKeepsWhatWasTyped(t *testing.T) {
	s := newStack(t)
	mark := s.as("mark")
	mark.post("/connections/new", "provider", "webform/generic", "name", "landing", "rate_limit", "abc", "s.mapping", "Поле 1 phone").
		says(t, http.StatusUnprocessableEntity, "Поле 1 phone</textarea>", "строка «Поле 1 phone» не понята", `value="abc"`, "нужно целое число обращений в минуту")
	for _, limit := range []string{"-5", "0", "99999999999999", "1.5", "4294967296"} {
		mark.post("/connections/new", "provider", "webform/generic", "name", "landing", "rate_limit", limit).
			says(t, http.StatusUnprocessableEntity, `value="`+limit+`"`, "нужно целое число обращений в минуту")
	}
	refused := mark.post("/connections/new", "provider", "webform/generic", "name", "Плохое имя", "rate_limit", "70", "s.mapping", "q: nobody", "s.redirect", "thanks")
	refused.says(t, http.StatusUnprocessableEntity, "Соответствие полей: поле «q» не может быть «nobody»", "«thanks» не адрес страницы", "маленькие латинские буквы", `value="Плохое имя"`, `value="70"`)
	if strings.Contains(refused.body, "save connection") || strings.Contains(refused.body, "cannot be") {
		t.Error("a page in Russian shows an error of the program")
	}
	mark.post("/connections/new", "provider", "webform/generic", "name", "landing", "s.mapping", "Поле 1: phone\na:b = name").leadsTo(t, "/connections/at/landing")
	mark.get("/connections/at/landing").says(t, http.StatusOK, "Поле 1: phone", "a:b: name")
}

func TestTheSetupHelpOfAConnectionNamesItsOwnAddressAndTrap(t *testing.T) {
	s := newStack(t)
	mark := s.as("mark")
	mark.get("/connections/new?provider=webform/generic").says(t, http.StatusOK, "action=&quot;АДРЕС&quot;", "name=&quot;mr_check&quot;")
	mark.post("/connections/new", "provider", "webform/generic", "name", "landing", "s.honeypot", "company_site").leadsTo(t, "/connections/at/landing")
	page := mark.get("/connections/at/landing")
	page.says(t, http.StatusOK, "action=&quot;http://localhost:8080/in/landing/", "fetch(&quot;http://localhost:8080/in/landing/", "name=&quot;company_site&quot;", "http://localhost:8080/widget/landing.js")
	if strings.Contains(page.body, "mr_check") || strings.Contains(page.body, "АДРЕС") {
		t.Error("the help names what the connection does not have")
	}
	if hidden := s.as("oleg").get("/connections/at/landing"); strings.Contains(hidden.body, "/in/landing/") {
		t.Error("an observer sees the secret address in the help")
	}
}

func TestANameThatIsTakenIsRefused(t *testing.T) {
	s := newStack(t)
	mark := s.as("mark")
	mark.post("/connections/new", "provider", "webform/generic", "name", "landing", "title", "Первый").leadsTo(t, "/connections/at/landing")
	for _, name := range []string{"landing", "site"} { // of the interface, and of the file
		mark.post("/connections/new", "provider", "webform/tilda", "name", name, "title", "Второй").says(t, http.StatusUnprocessableEntity, "Такое имя уже есть", "Второй")
	}
	mark.get("/connections/at/landing").says(t, http.StatusOK, "Первый")
}

func TestTheFormOfAConnectionSaysItsChoicesInWordsAndItsTextShowsTables(t *testing.T) {
	s := newStack(t)
	root := s.as("root")
	root.get("/connections/new?provider=email/imap").says(t, http.StatusOK, `<option value="none">без защиты</option>`, "<table>", "<td>Mail.ru</td>")
	root.get("/connections/new?provider=onec/infobase").says(t, http.StatusOK, `<option value="onec">в 1С</option>`)
}
