package email

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"marshrut/connectors/charset"
	"marshrut/leads"
)

// letter puts a letter together; lines are parted as on the wire.
func letter(header, body string) []byte {
	return []byte(strings.ReplaceAll(strings.TrimSpace(header)+"\n\n"+body, "\n", "\r\n"))
}

func in1251(s string) string {
	out, err := charmap.Windows1251.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return out
}

func inKOI8(s string) string {
	out, err := charmap.KOI8R.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return out
}

func in866(s string) string {
	out, err := charmap.CodePage866.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return out
}

// samples are texts as clients write them, from two words on.
var samples = []string{
	"Добрый день!",
	"Заявка с сайта",
	"Здравствуйте, нужен кондиционер в спальню. Сколько стоит монтаж?",
	"ПРОШУ ВЫСТАВИТЬ СЧЁТ НА ОПЛАТУ",
	"Иван Петров, ООО «Ромашка», тел. +7 912 000-00-01. Интересует вентиляция офиса на 12 рабочих мест, срок до 1 марта.",
}

func TestRussianIsReadInWhateverCharsetItIsAndIsSaidToBe(t *testing.T) {
	encodings := map[string]func(string) string{"utf-8": func(s string) string { return s }, "windows-1251": in1251, "koi8-r": inKOI8, "cp866": in866}
	for actual, encode := range encodings {
		for _, declared := range []string{"", "us-ascii", "iso-8859-1", "utf-8", "x-unknown", "windows-1251", "koi8-r", "CP-1251", `"utf-8"`} {
			for _, text := range samples {
				if strings.ContainsAny(text, "«»") && actual != "utf-8" && actual != "windows-1251" {
					text = strings.NewReplacer("«", `"`, "»", `"`).Replace(text)
				}
				if got := charset.Decode([]byte(encode(text)), declared); got != text {
					t.Errorf("%s declared as %q: got %q, want %q", actual, declared, got, text)
				}
			}
		}
	}
}

func TestOtherLanguagesAreNotTakenForRussian(t *testing.T) {
	for _, c := range []struct{ raw, declared, want string }{
		{"KLAUS- H\xc4NSCHEL", "", "KLAUS- HÄNSCHEL"},
		{"Forma\xe7\xe3o Frenetikpolis, caf\xe9", "iso-8859-1", "Formação Frenetikpolis, café"},
		{"\xc4\xe3\xba\xc3", "gb2312", "你好"},
		{"\x1b$B$3$s\x1b(B", "iso-2022-jp", "こん"},
		{"Gr\xfc\xdfe aus M\xfcnchen", "windows-1252", "Grüße aus München"},
		{"plain", "koi8-r", "plain"},
		{"Цена 5 €\xd0", "utf-8", "Цена 5 €\uFFFD"},
	} {
		if got := charset.Decode([]byte(c.raw), c.declared); got != c.want {
			t.Errorf("%q as %q: got %q, want %q", c.raw, c.declared, got, c.want)
		}
	}
}

func TestHeadersAreReadAsPeoplesProgramsWriteThem(t *testing.T) {
	b := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	whole := b("Заявка с сайта")
	for raw, want := range map[string]string{
		"=?utf-8?B?" + whole + "?=":                                           "Заявка с сайта",
		"=?utf-8?B?" + whole[:10] + "?= =?utf-8?B?" + whole[10:] + "?=":       "Заявка с сайта", // cut inside a group of base64
		"=?utf-8?B?" + strings.TrimRight(whole, "=") + "?=":                   "Заявка с сайта",
		"=?UTF-8*ru?B?" + whole + "?=":                                        "Заявка с сайта",
		"=?utf-8?Q?=D0=97=D0?= =?utf-8?Q?=B0=D1=8F=D0=B2=D0=BA=D0=B0?=":       "Заявка", // cut inside a letter
		"=?utf-8?Q?two words_here?=":                                          "two words here",
		"=?koi8-r?B?" + b(inKOI8("Запрос цены")) + "?=":                       "Запрос цены",
		"=?windows-1251?B?" + b(inKOI8("Запрос цены на монтаж")) + "?=":       "Запрос цены на монтаж",
		in1251("Заявка от клиента"):                                           "Заявка от клиента",
		"Re: =?utf-8?B?" + whole + "?= (2)":                                   "Re: Заявка с сайта (2)",
		"=?x-none?Q?caf=C3=A9?=":                                              "café",
		"plain =?broken":                                                      "plain =?broken",
		"=?utf-8?B?" + b("a\r\nBcc: x") + "?=":                                "a  Bcc: x",
		"=?utf-8?B?" + b("=?utf-8?B?"+whole+"?=") + "?=":                      "Заявка с сайта", // encoded twice
		"=?utf-8?B?" + b("а") + "?=\r\n =?windows-1251?B?" + b("\xe1") + "?=": "аб",
	} {
		if got := headerText(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

func TestAddressesAreReadLeniently(t *testing.T) {
	for raw, want := range map[string]Address{
		`Иван Петров <ivan@example.org>`:               {"Иван Петров", "ivan@example.org"},
		`"Петров, Иван" <Ivan@Example.ORG>`:            {"Петров, Иван", "ivan@example.org"},
		`Заявка [сайт] <a@example.ru>`:                 {"Заявка [сайт]", "a@example.ru"},
		`Name, Inc. <a@example.org>`:                   {"Name, Inc.", "a@example.org"},
		`a@example.ru;`:                                {"", "a@example.ru"},
		`a@example.ru (Иван)`:                          {"Иван", "a@example.ru"},
		`Name <a@example.ru> <c@example.org>`:          {"Name", "c@example.org"},
		`Иван <ivan@example.ru`:                        {"Иван", "ivan@example.ru"},
		`"=?utf-8?B?0JjQstCw0L0=?=" <ivan@example.ru>`: {"Иван", "ivan@example.ru"},
		`"KLAUS" <>`:    {"KLAUS", ""},
		`<>`:            {},
		`MAILER-DAEMON`: {"MAILER-DAEMON", ""},
		`x@unknown`:     {"x@unknown", ""},
		`Отдел закупок: a@example.ru`:                            {"", "a@example.ru"},
		`undisclosed-recipients:;`:                               {},
		`(отдел) Иван (x) <a(y)@b.ru>`:                           {"Иван", "a@b.ru"},
		`ivan@почта.рф`:                                          {"", "ivan@xn--80a1acny.xn--p1ai"},
		`"a@example.ru" <a@example.ru>`:                          {"", "a@example.ru"},
		in1251("Иванов Пётр") + ` <petr@example.ru>`:             {"Иванов Пётр", "petr@example.ru"},
		`"Иван \"Быстрый\" Петров" <ivan@example.ru>, b@c.ru, d`: {`Иван "Быстрый" Петров`, "ivan@example.ru"},
	} {
		if got := first(addresses(raw)); got != want {
			t.Errorf("%q: got %+v, want %+v", raw, got, want)
		}
	}
	if got := addresses("a@example.ru, Иван <b@example.ru>; c@example.ru"); len(got) != 3 {
		t.Errorf("three of a list are %+v", got)
	}
}

func TestNamesOfFilesAreReadHoweverTheyAreWritten(t *testing.T) {
	for header, want := range map[string]string{
		`attachment; filename*0*=windows-1251''%C7%E0; filename*1*=%FF%E2%EA%E0.pdf`: "Заявка.pdf",
		`attachment; filename*=utf-8''%D0%A1%D0%BC%D0%B5%D1%82%D0%B0.xlsx`:           "Смета.xlsx",
		`attachment; filename=Заявка.pdf`:                                            "Заявка.pdf",
		`attachment; filename=my file.pdf`:                                           "my file.pdf",
		`attachment; filename="a;b.pdf"; filename="c.pdf"`:                           "a;b.pdf",
		`attachment; filename="=?koi8-r?B?88DJ08/LLmRvYw==?="`:                       headerText("=?koi8-r?B?88DJ08/LLmRvYw==?="),
		`attachment; filename="` + in1251("Прайс-лист.xls") + `"`:                    "Прайс-лист.xls",
		`attachment; filename="..\..\windows\evil.exe"`:                              `..\..\windows\evil.exe`,
		`attachment`: "",
	} {
		if got := param(header, "filename"); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

func TestAFileKeepsNoPathOfTheSender(t *testing.T) {
	l := Parse(letter(`From: a@example.org
Content-Type: application/pdf
Content-Disposition: attachment; filename="..\..\etc/passwd"`, "x"))
	if len(l.Files) != 1 || l.Files[0].Name != "passwd" {
		t.Errorf("got %+v", l.Files)
	}
}

func TestMessageIDsAreFoundAmongWhatIsNone(t *testing.T) {
	got := messageIDs("<a@x>,<b@y>\r\n\t<broken id> <c@z>")
	if !slices.Equal(got, []string{"a@x", "b@y", "c@z"}) {
		t.Errorf("got %q", got)
	}
	if got := messageIDs("a@x, b@y"); !slices.Equal(got, []string{"a@x", "b@y"}) {
		t.Errorf("without brackets: %q", got)
	}
	var long []string
	for n := range 3000 {
		long = append(long, fmt.Sprintf("<%d@x>", n))
	}
	if got := messageIDs(strings.Join(long, " ")); len(got) != maxIDs || got[0] != "0@x" || got[maxIDs-1] != "2999@x" {
		t.Errorf("of 3000: %d, the last %q", len(got), got[len(got)-1])
	}
	if got := messageIDs(""); got != nil {
		t.Errorf("of nothing: %q", got)
	}
}

func TestTheBetterOfTextAndHTMLIsShown(t *testing.T) {
	both := func(plain, html string) Letter {
		return Parse(letter("From: a@example.org\nContent-Type: multipart/alternative; boundary=b",
			"--b\nContent-Type: text/plain; charset=utf-8\n\n"+plain+"\n--b\nContent-Type: text/html; charset=utf-8\n\n"+html+"\n--b--\n"))
	}
	if l := both("Обычный текст письма", "<p>Обычный <b>текст</b> письма</p>"); l.Text != "Обычный текст письма" {
		t.Errorf("both say the same: %q", l.Text)
	}
	if l := both("", "<p>Нужен <b>монтаж</b><br>завтра</p>"); l.Text != "Нужен монтаж\nзавтра" {
		t.Errorf("an empty plain part: %q", l.Text)
	}
	table := "<table><tr><td>Имя</td><td>Анна</td></tr><tr><td>Телефон</td><td>+7 912 000-00-01</td></tr></table>"
	if l := both("Ваша программа не показывает HTML.", table); l.Text != "Имя\tАнна\nТелефон\t+7 912 000-00-01" {
		t.Errorf("a plain part that says nothing: %q", l.Text)
	}
}

func TestHTMLIsReadWithoutWhatNobodySees(t *testing.T) {
	text, quote := htmlText(`<head><title>t</title><style>p{}</style></head><body><p>Раз</p><script>x()</script><div>два&nbsp;три</div>` +
		`<div class="gmail_quote">старое</div></body>`)
	if text != "Раз\nдва три\n\nстарое" || text[:quote] != "Раз\nдва три" {
		t.Errorf("%q, the older letter from %d on", text, quote)
	}
}

func TestWhatStylesHideIsLeftOutUnlessItIsAllThereIs(t *testing.T) {
	for source, want := range map[string]string{
		`<div style="display:none">скрыто<div>и это</div></div><span style="font-size:0px">ноль</span><p>видно</p>`:    "видно",
		`<p hidden>скрыто</p><p style="color:red; visibility : hidden">скрыто</p><p style="font-size:0.9em">видно</p>`: "видно",
		`<div style="mso-hide:all;DISPLAY:NONE !important">скрыто</div>видно<br style="display:none">тоже`:             "видно\nтоже",
		`<div style="display:none">всё письмо</div>`:                                                                   "всё письмо",
		`начало<div style="display:none">незакрытое<p>письмо</p>`:                                                      "начало\nнезакрытое\nписьмо",
	} {
		if got, _ := htmlText(source); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}

func TestALetterThatIsHardlyOneKeepsItsText(t *testing.T) {
	if l := Parse([]byte("просто текст, телефон +7 912 000-00-01")); l.Text != "просто текст, телефон +7 912 000-00-01" {
		t.Errorf("without a header: %q", l.Text)
	}
	l := Parse([]byte("From: Иван <ivan@example.org>\rSubject: Монтаж\r\rНужен\rмонтаж\r"))
	if l.Text != "Нужен\nмонтаж" || l.Subject != "Монтаж" || l.From.Mail != "ivan@example.org" {
		t.Errorf("lines that end with CR alone: %+v", l)
	}
	spoilt := "Hello \x80 \x80\x80 Привет"
	if l := Parse(letter("From: a@example.org\nContent-Type: text/plain; charset=utf-8", spoilt)); l.Text != "Hello \uFFFD \uFFFD Привет" {
		t.Errorf("UTF-8 with broken bytes: %q", l.Text)
	}
}

// hostile is a letter of nested multiparts without terminators: the time of a parser doubles with each.
func hostile(depth int) []byte {
	var b strings.Builder
	b.WriteString("From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n")
	for n := range depth {
		fmt.Fprintf(&b, "--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", n, n+1)
	}
	return []byte(b.String())
}

func TestAHostileLetterCostsLittle(t *testing.T) {
	mixed := strings.NewReplacer("boundary=b", "BOUNDARY*0=b").Replace(string(hostile(26)))
	flat := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 20_000)
	deepHTML := "Content-Type: text/html\r\n\r\n" + strings.Repeat("<div>", 100_000) + "x"
	for name, raw := range map[string][]byte{
		"nested": hostile(26), "nested deeply": hostile(5000), "nested in other words": []byte(mixed), "flat": []byte(flat), "deep HTML": []byte(deepHTML),
		"a header that never ends": []byte("Subject: " + strings.Repeat("=?utf-8?Q?a?= ", 300_000)),
		"brackets":                 []byte("From: " + strings.Repeat("<\"a@b,", 30_000) + "\r\n\r\nx"),
	} {
		began := time.Now()
		l := Parse(raw)
		Classify(l)
		Fold(l.Text, l.Quote)
		fieldsOf(l.Text)
		if took := time.Since(began); took > 20*time.Second { // milliseconds on a machine with nothing else to do; without bounds the first one takes minutes
			t.Errorf("%s: took %s", name, took)
		} else {
			t.Logf("%s: %d bytes in %s", name, len(raw), took)
		}
	}
	if Parse(hostile(26)).Whole {
		t.Error("what was not taken apart is said to be whole")
	}
}

func TestALetterOfOrdinaryDepthIsTakenApartWhole(t *testing.T) {
	nested := `--a
Content-Type: multipart/related; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain; charset=utf-8

Текст
--c--
--b--
--a
Content-Type: application/pdf; name=смета.pdf
Content-Transfer-Encoding: base64

JVBERg==
--a--
`
	l := Parse(letter("From: a@example.org\nContent-Type: multipart/mixed; boundary=a", nested))
	if !l.Whole || l.Text != "Текст" || len(l.Files) != 1 || l.Files[0].Name != "смета.pdf" || string(l.Files[0].Data) != "%PDF" {
		t.Errorf("got %+v", l)
	}
}

func TestKindsOfLettersAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		header, body string
		want         Kind
	}{
		"a person":                           {"From: Иван <ivan@example.org>\nSubject: Вопрос", "Сколько стоит?\nТел.: +7 912 000-00-01", Human},
		"a person who is the postmaster":     {"From: postmaster@example.org\nSubject: Нужен кондиционер", "В серверную", Notification},
		"Auto-Submitted: no":                 {"From: ivan@example.org\nAuto-Submitted: no", "Привет", Human},
		"a form says it is generated":        {"From: site@example.org\nAuto-Submitted: auto-generated\nPrecedence: bulk", "Имя: Анна\nТелефон: +7 912 000-00-01", Notification},
		"an aggregator":                      {"From: noreply@example.org", "Новая заявка", Notification},
		"a form that hides it":               {"From: wordpress-site@example.org", "Имя: Анна\nТелефон: 8 912 000-00-01\nКомментарий: нужен монтаж", Notification},
		"a newsletter":                       {"From: news@example.org\nList-Unsubscribe: <mailto:x@example.org>", "Скидки!", Newsletter},
		"a newsletter of a machine":          {"From: noreply@example.org\nList-Unsubscribe: <mailto:x@example.org>", "Скидки!", Newsletter},
		"an answering machine":               {"From: ivan@example.org\nAuto-Submitted: auto-replied", "Я в отпуске", AutoReply},
		"an answering machine by its header": {"From: ivan@example.org\nX-Autoreply: yes", "Я в отпуске", AutoReply},
		"an answering machine by its title":  {"From: ivan@example.org\nSubject: Автоответ: вне офиса", "Буду завтра", AutoReply},
		"Exchange suppresses answers":        {"From: ivan@example.org\nX-Auto-Response-Suppress: All\nSubject: Счёт", "Во вложении", Human},
		"a bounce without a report":          {"From: MAILER-DAEMON@example.org\nReturn-Path: <>\nSubject: Недоставленное сообщение", "не может быть доставлено", Bounce},
		"a bounce by its header":             {"From: x@example.org\nX-Failed-Recipients: a@example.org", "oops", Bounce},
	} {
		if got := Classify(Parse(letter(c.header, c.body))); got != c.want {
			t.Errorf("%s is %s, want %s", name, got, c.want)
		}
	}
}

func report(action string) []byte {
	return letter("From: mailer-daemon@example.org\nReturn-Path: <>\nMessage-ID: <r@mx>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b", `--b

Сервер пишет что-то своё
--b
Content-Type: message/delivery-status

Final-Recipient: rfc822; ivan@example.org
Action: `+action+`
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: <ours@example.ru>
--b--
`)
}

func TestThePageBelowTheNameOfAFormIsNoPartOfIt(t *testing.T) {
	found := fieldsOf("Name: Анна\nВопрос: смотрите\nhttps://example.org/plan\nForm Name: Cart\nhttps://example.org/knives\n-----\n")
	want := []pair{{"Name", "Анна"}, {"Вопрос", "смотрите\nhttps://example.org/plan"}, {"Form Name", "Cart"}, {"page", "https://example.org/knives"}}
	if !slices.Equal(found, want) {
		t.Errorf("found %q", found)
	}
}

func TestAReportTellsFailedFromDelayedAndNamesTheLetter(t *testing.T) {
	for action, want := range map[string]Kind{"failed": Bounce, "delayed": Delay} {
		l := Parse(report(action))
		if got := Classify(l); got != want || !slices.Equal(l.returned(), []string{"ours@example.ru"}) || !slices.Equal(l.failed(), []string{"ivan@example.org"}) {
			t.Errorf("%s: %s about %q to %q", action, got, l.returned(), l.failed())
		}
	}
}

func TestTheAnswerIsPartedFromWhatItAnswers(t *testing.T) {
	for name, c := range map[string]struct{ text, visible string }{
		"Yandex":                       {"Да, подходит.\n\n05.05.2025, 10:00, \"Ромашка\" <info@example.ru>:\n> Здравствуйте\n", "Да, подходит."},
		"Gmail":                        {"Согласен\n\nпн, 5 мая 2025 г. в 10:00, Ромашка <info@example.ru>:\n\n> Цена\n", "Согласен"},
		"Gmail, broken in two":         {"Согласен\n\nпн, 5 мая 2025 г. в 10:00, Ромашка, отдел продаж\n<info@example.ru>:\n\n> Цена\n", "Согласен"},
		"Mail.ru":                      {"Жду\n\nПонедельник, 5 мая 2025, 10:00 +03:00 от Ромашка <info@example.ru>:\n\nЗдравствуйте", "Жду"},
		"Outlook":                      {"Когда?\n\n-----Исходное сообщение-----\nОт: Ромашка\n", "Когда?"},
		"Outlook's block":              {"Когда?\n\nОт: Ромашка <info@example.ru>\nОтправлено: 5 мая 2025 г. 10:00\nКому: Иван\nТема: Цена\n\nЗдравствуйте", "Когда?"},
		"English":                      {"Fine\n\nOn Mon, May 5, 2025 at 10:00 AM Daisy <info@example.org> wrote:\n> Hello\n", "Fine"},
		"a signature":                  {"Позвоните\n-- \nИван Петров\nдиректор", "Позвоните"},
		"regards":                      {"Позвоните завтра\n\nС уважением,\nИван Петров\n+7 912 000-00-01", "Позвоните завтра"},
		"a telephone":                  {"Ок\n\nОтправлено с iPhone\n", "Ок"},
		"a signature below the quote":  {"Ответ\n\n05.05.2025, 10:00, \"Ромашка\" <info@example.ru>:\n> первая\n>> вторая\n\n-- \nИван Петров\n+7 912 000-00-01", "Ответ"},
		"regards below a bare quote":   {"Ответ\n> старое\n> ещё\n\nС уважением,\nИван", "Ответ"},
		"only a quote below":           {"Ответ\n> старое\n> ещё\n", "Ответ"},
		"never to nothing":             {"05.05.2025, 10:00, \"Иван\" <ivan@example.ru>:\n> Здравствуйте\n", "05.05.2025, 10:00, \"Иван\" <ivan@example.ru>:\n> Здравствуйте"},
		"a first letter in a block":    {"От: сайт\nКому: нам\nТема: заявка\nИмя: Анна", "От: сайт\nКому: нам\nТема: заявка\nИмя: Анна"},
		"a forward":                    {"Смотри\n\n-------- Пересылаемое сообщение --------\nОт: Иван\nТема: заявка\nДата: вчера\n\nНужен монтаж", "Смотри\n\n-------- Пересылаемое сообщение --------\nОт: Иван\nТема: заявка\nДата: вчера\n\nНужен монтаж"},
		"answers between the lines":    {"05.05.2025, 10:00, \"Р\" <info@example.ru>:\n> Когда?\nЗавтра\n> Где?\nУ вас", "05.05.2025, 10:00, \"Р\" <info@example.ru>:\n> Когда?\nЗавтра\n> Где?\nУ вас"},
		"a date in the text is no one": {"Позвоните 05.05.2025 в 10:00, буду ждать.\nСпасибо", "Позвоните 05.05.2025 в 10:00, буду ждать.\nСпасибо"},
	} {
		visible, folded := Fold(c.text, 0)
		if visible != c.visible {
			t.Errorf("%s: visible %q, folded %q", name, visible, folded)
		}
		if whole := len(strings.Join(strings.Fields(c.text), "")); whole != len(strings.Join(strings.Fields(visible+folded), "")) {
			t.Errorf("%s: something got lost between %q and %q", name, visible, folded)
		}
	}
}

func hasNote(f leads.Field) bool { return f.Key == "_note" }
