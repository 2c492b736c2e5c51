package webform

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"marshrut/connectors"
	"marshrut/internal/corpustest"
	"marshrut/leads"
)

func open(t testing.TB, s Settings) *Instance {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	i, err := New(connectors.Connection{Name: "site", Connector: Connector, Region: "RU"}, s, Plain{})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func request(method, contentType, body string, headers ...string) connectors.Request {
	r := connectors.Request{Method: method, ContentType: contentType, Header: http.Header{}, Body: []byte(body)}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func receive(t *testing.T, s Settings, r connectors.Request) connectors.Receipt {
	t.Helper()
	receipt, err := open(t, s).Receive(r)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

const urlencoded = "application/x-www-form-urlencoded"

func TestAScriptOnAnAllowedSiteMaySendAndReadTheAnswer(t *testing.T) {
	s := Settings{Origins: []string{"https://site.example"}}
	preflight := receive(t, s, request(http.MethodOptions, "", "", "Origin", "https://site.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"))
	h := preflight.Response.Header
	if !preflight.Handshake || h.Get("Access-Control-Allow-Origin") != "https://site.example" || h.Get("Access-Control-Allow-Headers") != "content-type" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight %+v", preflight)
	}
	post := receive(t, s, request(http.MethodPost, "application/json", `{"phone":"1"}`, "Origin", "https://site.example"))
	if post.Response.Header.Get("Access-Control-Allow-Origin") != "https://site.example" || !strings.Contains(strings.Join(post.Response.Header.Values("Vary"), ","), "Origin") {
		t.Errorf("post %+v", post.Response.Header)
	}
}

func TestAForeignSiteGetsNoLeaveButItsInquiryIsKept(t *testing.T) {
	s := Settings{Origins: []string{"https://site.example"}}
	preflight := receive(t, s, request(http.MethodOptions, "", "", "Origin", "https://evil.example"))
	if preflight.Response.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight %+v", preflight.Response.Header)
	}
	post := receive(t, s, request(http.MethodPost, urlencoded, "phone=1", "Origin", "https://evil.example"))
	if post.Handshake || post.Response.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("post %+v", post)
	}
}

func TestAVisitorOfAPlainFormIsSentToTheThankYouPage(t *testing.T) {
	s := Settings{Redirect: "https://site.example/thanks"}
	r := request(http.MethodPost, urlencoded, "phone=1&_redirect=https://evil.example", "Sec-Fetch-Mode", "navigate")
	if got := receive(t, s, r).Response; got.Status != http.StatusSeeOther || got.Redirect != "https://site.example/thanks" {
		t.Errorf("got %+v", got)
	}
	script := request(http.MethodPost, urlencoded, "phone=1", "Sec-Fetch-Mode", "cors")
	if got := receive(t, s, script).Response; got.Redirect != "" || got.Status != 0 {
		t.Errorf("a script got %+v", got)
	}
	if got := receive(t, Settings{}, r).Response; !strings.Contains(string(got.Body), "Спасибо") {
		t.Errorf("without a page of his own he sees %s", got.Body)
	}
}

func TestALookAtTheAddressIsNoInquiry(t *testing.T) {
	if got := receive(t, Settings{}, request(http.MethodGet, "", "")); !got.Handshake || got.Response.Status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
	r := request(http.MethodGet, "", "")
	r.Query = "phone=1"
	if got := receive(t, Settings{}, r); got.Handshake {
		t.Error("a form that sends by GET is taken for a look")
	}
}

func TestTheSendersNumberIsTheIdentity(t *testing.T) {
	s := Settings{IDField: "order[id]"}
	if got := receive(t, s, request(http.MethodPost, "application/json", `{"order":{"id":"A-7"},"phone":"1"}`)); got.VendorID != "A-7" {
		t.Errorf("from the field: %q", got.VendorID)
	}
	if got := receive(t, Settings{}, request(http.MethodPost, urlencoded, "phone=1", "X-Delivery-Id", "d-1")); got.VendorID != "d-1" {
		t.Errorf("from the header: %q", got.VendorID)
	}
}

func TestSettingsSayWhatIsWrong(t *testing.T) {
	for want, s := range map[string]Settings{
		"cannot be \"fon\"":       {Mapping: map[string]string{"q": "fon"}},
		"is no origin":            {Origins: []string{"site.example"}},
		"without a slash":         {Origins: []string{"https://site.example/"}},
		"is no address of a page": {Redirect: "javascript:alert(1)"},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
}

func TestAGzipBodyIsUnpackedWithinABound(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write([]byte("phone=%2B79123456789&filler="))
	w.Write(bytes.Repeat([]byte("a"), maxPlain+1))
	w.Close()
	r := request(http.MethodPost, urlencoded, packed.String(), "Content-Encoding", "gzip")
	f := Decode(r)
	if f.Get("phone") != "+79123456789" || len(f.Get("filler")) > maxValue || len(f.Notes) == 0 {
		t.Errorf("phone %q, filler of %d bytes, notes %v", f.Get("phone"), len(f.Get("filler")), f.Notes)
	}
}

func TestAFormKeepsItsFieldsBesideAPhotograph(t *testing.T) {
	body := "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\n" + strings.Repeat("\x00\x01\xff\xd8", 2000) +
		"\r\n--x\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n+79123456789\r\n--x--\r\n"
	f := Decode(request(http.MethodPost, "multipart/form-data; boundary=x", body))
	if f.Get("phone") != "+79123456789" || len(f.Fields) != 1 {
		t.Errorf("phone %q, fields %v", f.Get("phone"), f.Fields)
	}
}

func TestKeysFieldsAndDepthAreBounded(t *testing.T) {
	deep := Decode(request("POST", "application/json", strings.Repeat(`{"a":`, 5000)+"1"+strings.Repeat("}", 5000)))
	many := Decode(request("POST", urlencoded, strings.Repeat("k=v&", 100000)))
	long := Decode(request("POST", urlencoded, strings.Repeat("k", 100000)+"=v"))
	if len(deep.Notes) == 0 || len(many.Fields) != maxFields || len(long.Text) > maxValue {
		t.Errorf("deep: %v; many: %d fields; long: %d fields", deep.Notes, len(many.Fields), len(long.Fields))
	}
	if keys := Decode(request("POST", "application/json", `{"`+strings.Repeat("k", 100000)+`":"v"}`)); len(keys.Fields[0].Key) > maxKey {
		t.Errorf("a key of %d bytes", len(keys.Fields[0].Key))
	}
}

func TestFieldsAreKnownByTheirNames(t *testing.T) {
	for name, want := range map[string]string{
		"Имя": KnownName, "ФИО": KnownName, "name": KnownName, "your-name": KnownName, "Name_2": KnownName, "Ваше имя:": KnownName, "clientName": KnownName, "imya": KnownName,
		"Телефон": KnownPhone, "tel-679": KnownPhone, "PHONE": KnownPhone, "Номер телефона": KnownPhone, "Мобильный телефон для связи": KnownPhone, "user_phone1": KnownPhone,
		"e-mail": KnownEmail, "E-Mail": KnownEmail, "почта": KnownEmail, "Электронная почта": KnownEmail, "email_address": KnownEmail,
		"Комментарий": KnownText, "message": KnownText, "Ваш вопрос": KnownText, "Комментарий к заказу": KnownText,
		"город": KnownCity, "Ваш город": KnownCity, "company": KnownCompany, "Название компании": KnownCompany, "ИНН": KnownINN,
		"product_name": KnownProduct, "сумма заказа": KnownAmount, "Согласие на обработку персональных данных": KnownConsent, "agree": KnownConsent,
		"Код телефона": "", "phone_type": "", "Имя питомца": "", "Модель телефона": "", "Цвет": "", "Удобное время": "", "filename": "", "username": "name",
	} {
		if got, _ := knownByName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

func readAs(t *testing.T, contentType, body string) leads.Inquiry {
	t.Helper()
	r := request("POST", contentType, body)
	return understand(Decode(r), r, connectors.Connection{Region: "RU"}, Settings{})
}

func TestOddBodiesOfRealSendersAreUnderstood(t *testing.T) {
	for name, in := range map[string]leads.Inquiry{
		"JSON as the key of a form":        readAs(t, urlencoded, `%7B%22name%22%3A%22Anna%22%2C%22phone%22%3A%22%2B79123456789%22%7D=`),
		"a form that was not encoded":      readAs(t, urlencoded, "name=Anna&phone=+7 (912) 345-67-89"),
		"the phone in the field of a name": readAs(t, urlencoded, "name=Anna 8 912 345-67-89"),
		"text lines":                       readAs(t, "text/plain", "name=Anna\r\nphone=89123456789\r\n"),
		"UTF-16":                           readAs(t, "application/json", "\xff\xfe{\x00\"\x00t\x00e\x00l\x00\"\x00:\x00\"\x008\x009\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00\"\x00}\x00"),
		"a number, not a text":             readAs(t, "application/json", `{"phone":79123456789}`),
		"escape() of old scripts":          readAs(t, urlencoded, "name=%u0410%u043D%u043D%u0430&phone=89123456789"),
		"XML":                              readAs(t, "application/xml", "<lead><phone>+7 912 345-67-89</phone></lead>"),
	} {
		if len(in.Points) != 1 || in.Points[0].Value != "+79123456789" {
			t.Errorf("%s: %+v", name, in)
		}
	}
	if in := readAs(t, urlencoded, "phone=1&utm_campaign=%25D0%25B2%25D0%25B5%25D1%2581%25D0%25BD%25D0%25B0"); in.Attribution.UTM.Campaign != "весна" {
		t.Errorf("encoded twice: %q", in.Attribution.UTM.Campaign)
	}
}

func TestConsentHasThreeAnswers(t *testing.T) {
	for body, want := range map[string]string{
		"phone=1": consentAbsent, "phone=1&agree=on": consentYes, "agree=true": consentYes, "agree=1": consentYes, "agree=off": consentNo,
		"agree=": consentNo, "agree=0&agree=1": consentYes, "soglasie=%D0%94%D0%B0": consentYes, "agree=yes&privacy=no": consentNo,
		"box=%D0%AF+%D1%81%D0%BE%D0%B3%D0%BB%D0%B0%D1%81%D0%B5%D0%BD+%D0%BD%D0%B0+%D0%BE%D0%B1%D1%80%D0%B0%D0%B1%D0%BE%D1%82%D0%BA%D1%83+%D0%BF%D0%B5%D1%80%D1%81%D0%BE%D0%BD%D0%B0%D0%BB%D1%8C%D0%BD%D1%8B%D1%85+%D0%B4%D0%B0%D0%BD%D0%BD%D1%8B%D1%85": consentYes,
	} {
		in := understand(Decode(request("POST", urlencoded, body)), connectors.Request{}, connectors.Connection{Region: "RU"}, Settings{})
		if in.Consent.State != want {
			t.Errorf("%s: %q, want %q", body, in.Consent.State, want)
		}
	}
}

func TestTheWidgetIsWholeAndCarriesItsAddress(t *testing.T) {
	i := open(t, Settings{ConsentText: "Согласен </script><b>"})
	script, err := i.Script(WidgetSettings{WidgetTitle: "Перезвоним"}, "https://gw.example/in/site/wtoken")
	if err != nil || !bytes.Contains(script, []byte("https://gw.example/in/site/wtoken")) || !bytes.Contains(script, []byte("Перезвоним")) {
		t.Fatalf("%v: %.300s", err, script)
	}
	if bytes.Contains(script, []byte("</script>")) || bytes.Contains(script, []byte("{/*config*/}")) {
		t.Error("a text breaks out of the script, or the settings are missing")
	}
}

// The corpus holds real messages of vendors; where it is there, each has to give
// somebody to call or write to.
func TestRealMessagesGiveAnInquiry(t *testing.T) {
	folder := corpustest.Folder("forms")
	if folder == "" {
		t.Log("no corpus beside the project: the recorded messages of the providers are all there is")
		return
	}
	for file, contentType := range map[string]string{
		"tilda_form_decoded.json": "application/json", "tilda_form_with_referer.json": "application/json", "tilda_form.urlencoded": urlencoded,
		"cf7_to_webhook.json": "application/json", "elementor_simple.urlencoded": urlencoded, "marquiz_lead.json": "application/json",
		"marquiz_lead.urlencoded": urlencoded, "marquiz_flat_variant.json": "application/json", "calltouch_call.urlencoded": urlencoded,
		"googleads_lead_test.json": "application/json", "webflow_form_submission.json": "application/json", "jivo_offline_message.json": "application/json",
	} {
		body, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		r := request("POST", contentType, string(body))
		in := understand(Decode(r), r, connectors.Connection{Region: "RU"}, Settings{})
		if len(in.Points) == 0 {
			t.Errorf("%s: nobody to call or write to in %+v", file, in.Fields)
		}
		if strings.HasPrefix(file, "marquiz_lead") && (in.Attribution.UTM.Source != "yandex" || in.Name != "Иван" || in.Subject == "Иван") {
			t.Errorf("%s: %+v", file, in)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []struct{ contentType, query, body string }{
		{urlencoded, "", "name=A&phone=%2B7"}, {"application/json", "a=1", `{"a":[{"name":"x","value":"y"}]}`}, {"multipart/form-data; boundary=x", "", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--"},
		{"text/plain; charset=koi8-r", "", "Имя: \xc9\xcd\xd1"}, {"", "%u0418=%ff", "\xff\xfe{\x00"}, {urlencoded, "", "a[b][[c]]=1&a.b..c=2&]=3&[=4"}, {"application/json", "", "{\"a\":\"b\nc\"}"},
	} {
		f.Add(seed.contentType, seed.query, []byte(seed.body))
	}
	i := open(f, Settings{Mapping: map[string]string{"q": "phone"}})
	f.Fuzz(func(t *testing.T, contentType, query string, body []byte) {
		r := connectors.Request{Method: "POST", ContentType: contentType, Query: query, Header: http.Header{}, Body: body}
		form := Decode(r)
		if len(form.Fields) > maxFields {
			t.Errorf("%d fields", len(form.Fields))
		}
		in := understand(form, r, i.connection, i.settings)
		if in.State == leads.StateNew && in.Name != leads.Fold(in.Name) {
			t.Errorf("name %q is not folded", in.Name)
		}
		if _, err := i.Receive(r); err != nil {
			t.Errorf("refused: %v", err)
		}
	})
}

func BenchmarkTranslateATypicalForm(b *testing.B) {
	i := open(b, Settings{})
	r := request("POST", urlencoded, "name=%D0%90%D0%BD%D0%BD%D0%B0&phone=%2B7+912+345-67-89&email=anna%40example.ru&comment=%D0%9F%D0%B5%D1%80%D0%B5%D0%B7%D0%B2%D0%BE%D0%BD%D0%B8%D1%82%D0%B5&utm_source=yandex&agree=on")
	receipt, err := i.Receive(r)
	if err != nil {
		b.Fatal(err)
	}
	event := connectors.NewEvent(&connectors.Connected{Connection: i.connection}, r, receipt, r.ReceivedAt.Location())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.Translate(event); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAFormAroundTheFieldsNamesThePersonAndAFormThatTellsOfItselfDoesNot(t *testing.T) {
	for _, c := range []struct{ media, body, name, subject string }{
		{urlencoded, "form[name]=Анна&form[phone]=%2B79120000001", "Анна", ""},
		{urlencoded, "form.name=Анна Белова&form.phone=%2B79120000001", "Анна Белова", ""},
		{urlencoded, "form[name]=Лидия&form[phone]=%2B79120000001", "Лидия", ""},
		{urlencoded, "form[name]=анна&phone=%2B79120000001", "анна", ""},
		{"application/json", `{"form":{"name":"Анна","email":"anna@example.org","title":"Подбор тура"}}`, "Анна", "Подбор тура"},
		{"application/json", `{"data":{"form":{"name":"Анна","phone":"+79120000001"}}}`, "Анна", ""},
		{"application/json", `{"form":{"name":"Летняя распродажа","id":"f-1"},"phone":"+79120000001"}`, "", "Летняя распродажа"},
		{urlencoded, "form[name]=Заявка с сайта&form[phone]=%2B79120000001", "", "Заявка с сайта"},
		{urlencoded, "form[name]=Подбор&name=Анна&phone=%2B79120000001", "Анна", "Подбор"},
		{urlencoded, "form_name=Подбор&phone=%2B79120000001", "", "Подбор"},
		{urlencoded, "formname=Подбор&formid=f1&name=Анна&phone=%2B79120000001", "Анна", "Подбор"},
	} {
		r := request(http.MethodPost, c.media, c.body)
		in := understand(Decode(r), r, connectors.Connection{Region: "RU"}, Settings{})
		if in.Name != c.name || in.Subject != c.subject {
			t.Errorf("%s: name %q and subject %q, want %q and %q", c.body, in.Name, in.Subject, c.name, c.subject)
		}
		for _, f := range in.Fields {
			if f.Known == knownFormName {
				t.Errorf("%s: %s stayed undecided", c.body, f.Key)
			}
		}
	}
}

func TestRussianInACharsetNobodyDeclaredIsUnderstood(t *testing.T) {
	const name, comment = "Анна Белова", "Здравствуйте, нужен кондиционер"
	for _, enc := range []*charmap.Charmap{charmap.KOI8R, charmap.Windows1251, charmap.CodePage866} {
		in := func(s string) string {
			out, err := enc.NewEncoder().String(s)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		for media, body := range map[string]string{
			urlencoded:   "name=" + url.QueryEscape(in(name)) + "&phone=%2B79120000001&comment=" + url.QueryEscape(in(comment)) + "&city=Тула",
			"text/plain": in("Имя: " + name + "\nТелефон: +7 912 000-00-01\nКомментарий: " + comment + "\nГород: Тула\n"),
			"multipart/form-data; boundary=B": "--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n" + in(name) + "\r\n--B\r\nContent-Disposition: form-data; name=\"comment\"\r\n\r\n" +
				in(comment) + "\r\n--B\r\nContent-Disposition: form-data; name=\"city\"\r\n\r\nТула\r\n--B--\r\n",
			"application/json": in(`{"name":"` + name + `","comment":"` + comment + `","city":"Тула"}`),
		} {
			r := request(http.MethodPost, media, body)
			got := understand(Decode(r), r, connectors.Connection{Region: "RU"}, Settings{})
			if got.Name != name || got.Text != comment || got.City != "Тула" {
				t.Errorf("%s in %s: %q, %q, %q", media, enc, got.Name, got.Text, got.City)
			}
		}
	}
}

func TestABodyThatUnpacksTooLargeEndsWithThatReason(t *testing.T) {
	var body bytes.Buffer
	gz := gzip.NewWriter(&body)
	for range 9 {
		if _, err := gz.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	c := connectors.Connection{Name: "site", Connector: Connector, Region: "RU"}
	r := request(http.MethodPost, urlencoded, body.String(), "Content-Encoding", "gzip")
	_, err := open(t, Settings{}).Translate(connectors.NewEvent(&connectors.Connected{Connection: c}, r, connectors.Receipt{}, time.UTC))
	if err == nil || !strings.Contains(err.Error(), "распакованное тело слишком велико") {
		t.Errorf("got %v", err)
	}
}

func TestAFormPackedIntoOneJSONTextIsUnderstood(t *testing.T) {
	for _, body := range []string{`"\u0418\u043c\u044f: Анна\nТелефон: +7 912 000-00-01"`, `"{\"name\":\"Анна\",\"phone\":\"+79120000001\"}"`, `"name=Анна&phone=%2B79120000001"`} {
		r := request(http.MethodPost, "application/json", body)
		in := understand(Decode(r), r, connectors.Connection{Region: "RU"}, Settings{})
		if in.Name != "Анна" || len(in.Points) != 1 {
			t.Errorf("%s: name %q, points %v", body, in.Name, in.Points)
		}
	}
}
