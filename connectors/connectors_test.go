package connectors

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type shape struct {
	Folder string            `json:"folder" ru:"Папка" en:"Folder"`
	Every  Duration          `json:"every" ru:"Как часто" en:"How often"`
	Map    map[string]string `json:"map"`
	List   []string          `json:"list"`
	Key    Secret            `json:"key"`
	Retry  int               `json:"retry"`
	inner
}

type inner struct {
	Deep bool `json:"deep"`
}

func (s shape) Validate() error { return nil }

var shaped = shape{Folder: "INBOX", Every: Duration(time.Minute), List: []string{"a"}}

func decode(t *testing.T, settings string, secrets map[string]string) (shape, error) {
	t.Helper()
	return Decode(Connection{Name: "box", Settings: json.RawMessage(settings), Secrets: secrets}, shaped)
}

func TestSettingsAreWrittenOverTheDefaults(t *testing.T) {
	got, err := decode(t, `{"every":"2s","deep":true,"list":["x","y"]}`, map[string]string{"key": "long enough"})
	if err != nil {
		t.Fatal(err)
	}
	want := shape{Folder: "INBOX", Every: Duration(2 * time.Second), List: []string{"x", "y"}, Key: "long enough", inner: inner{Deep: true}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(shape{})); diff != "" {
		t.Error(diff)
	}
	if shaped.List[0] != "a" {
		t.Error("the defaults were changed by a connection's settings")
	}
}

func TestAMistakeInTheSettingsNamesTheKeyAndTheCure(t *testing.T) {
	for settings, want := range map[string][]string{
		`{"foldre":"x"}`:  {"settings.foldre: there is no such setting", "was folder meant?", "every, map, list"},
		`{"retry":"x"}`:   {"settings.retry: a text where a whole number is wanted"},
		`{"list":"x"}`:    {"settings.list: a text where a list is wanted"},
		`{"map":["x"]}`:   {"settings.map: a list where key: value pairs are wanted"},
		`{"map":{"x":1}}`: {"settings.map: inside it a number where a text is wanted"},
		`{"list":"x", "retry":true, "foldre":"x"}`: {"settings.list: a text", "settings.retry: true or false where", "settings.foldre: there is no"},
		`{"every":"2"}`:   {"no duration", "2s"},
		`{"key":"short"}`: {"at least 8"},
	} {
		plain, secrets, err := SplitSecrets(shaped, json.RawMessage(settings))
		if err == nil {
			_, err = decode(t, string(plain), secrets)
		}
		if err == nil {
			t.Errorf("%s is taken", settings)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", settings, err, w)
			}
		}
	}
}

func TestASetupTextIsFilledInFromTheConnection(t *testing.T) {
	p := Provider{Settings: &shaped, Setup: Text{"ru": "action=\"{{address}}\" в {{folder}}\n{{no_such}}"}}
	for settings, want := range map[string]string{
		``:                 "action=\"https://gw.example/in/x/y\" в INBOX\n{{no_such}}",
		`{"folder":"Box"}`: "action=\"https://gw.example/in/x/y\" в Box\n{{no_such}}",
		`{"folder":""}`:    "{{no_such}}",
	} {
		if got := SetupOf(p, Place{Address: "https://gw.example/in/x/y"}, json.RawMessage(settings), "ru"); got != want {
			t.Errorf("with %s it says %q, want %q", settings, got, want)
		}
	}
}

func TestAPasswordThatTheOtherSideGaveMayBeShort(t *testing.T) {
	type account struct {
		Password Secret `json:"password" given:"there"`
		Key      Secret `json:"key"`
	}
	c := Connection{Name: "base", Secrets: map[string]string{"password": "42"}}
	got, err := Decode(c, account{})
	if err != nil || got.Password.Reveal() != "42" {
		t.Errorf("%v, %v", got, err)
	}
	c.Secrets["key"] = "42"
	if _, err := Decode(c, account{}); err == nil || !strings.Contains(err.Error(), "settings.key") {
		t.Errorf("a short key of ours is taken: %v", err)
	}
}

func TestSecretsAreSplitFromTheRestAndNeverPrinted(t *testing.T) {
	plain, secrets, err := SplitSecrets(&shaped, json.RawMessage(`{"folder":"x","key":"very secret key"}`))
	if err != nil || string(plain) != `{"folder":"x"}` || secrets["key"] != "very secret key" {
		t.Fatalf("got %s, %v, %v", plain, secrets, err)
	}
	s, err := decode(t, string(plain), secrets)
	if err != nil {
		t.Fatal(err)
	}
	printed, _ := json.Marshal(s)
	if strings.Contains(string(printed), "very secret") || strings.Contains(s.Key.String(), "very") {
		t.Errorf("the secret shows in %s", printed)
	}
}

func received(c Connection, r Request, receipt Receipt) (id string, attributes map[string]string, data string) {
	if r.ReceivedAt.IsZero() {
		r.ReceivedAt = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	}
	e := NewEvent(&Connected{Connection: c}, r, receipt, time.UTC)
	return e.ID, e.Attributes, string(e.Data)
}

func TestTheVendorsIDDecidesWhatIsARepeat(t *testing.T) {
	c := Connection{Name: "site", Connector: "webform"}
	first, _, _ := received(c, Request{Body: []byte("a")}, Receipt{VendorID: "7"})
	again, _, _ := received(c, Request{Body: []byte("b"), ReceivedAt: time.Now()}, Receipt{VendorID: "7"})
	other, _, _ := received(c, Request{Body: []byte("a")}, Receipt{VendorID: "8"})
	elsewhere, _, _ := received(Connection{Name: "land"}, Request{Body: []byte("a")}, Receipt{VendorID: "7"})
	if first != again || first == other || first == elsewhere {
		t.Errorf("ids %s %s %s %s", first, again, other, elsewhere)
	}
}

func TestWithoutAVendorsIDTheSameBytesOnTheSameDayAreARepeat(t *testing.T) {
	c := Connection{Name: "site"}
	at := func(hour int) Request {
		return Request{Body: []byte("phone=1"), ReceivedAt: time.Date(2026, 3, 2, hour, 0, 0, 0, time.UTC)}
	}
	morning, _, _ := received(c, at(9), Receipt{})
	evening, _, _ := received(c, at(21), Receipt{})
	tomorrow, _, _ := received(c, at(33), Receipt{})
	if morning != evening || morning == tomorrow {
		t.Errorf("morning %s, evening %s, tomorrow %s", morning, evening, tomorrow)
	}
}

func TestTheBoundaryOfAMultipartBodyIsNoContent(t *testing.T) {
	form := func(boundary string) Request {
		body := strings.ReplaceAll("--B\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n1\r\n--B--\r\n", "B", boundary)
		return Request{ContentType: "multipart/form-data; boundary=" + boundary, Body: []byte(body)}
	}
	if string(Fingerprint(form("----first11"))) != string(Fingerprint(form("----second2"))) {
		t.Error("the same form from another try of the browser is told apart")
	}
}

func TestAnEventGivesBackTheRequestItCameAs(t *testing.T) {
	r := Request{
		Method: "POST", Path: "/x", Query: "a=1", ContentType: "text/plain", Remote: netip.MustParseAddr("203.0.113.5"),
		Header:     http.Header{"User-Agent": {"Mozilla"}, "Referer": {"https://site.example/p"}, "Authorization": {"Bearer hidden-token"}},
		Body:       []byte("тело\x00"),
		ReceivedAt: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC),
	}
	e := NewEvent(&Connected{Connection: Connection{Name: "site", Connector: "webform"}}, r, Receipt{Test: true}, time.UTC)
	if err := SetFiles(&e, []File{{Name: "смета.pdf", Ref: "files/1"}}); err != nil {
		t.Fatal(err)
	}
	got := RequestOf(e)
	if got.Method != "POST" || got.Path != "/x" || got.Query != "a=1" || got.Remote != r.Remote || string(got.Body) != "тело\x00" ||
		got.Header.Get("User-Agent") != "Mozilla" || got.Header.Get("Authorization") != "" || got.Files[0].Name != "смета.pdf" {
		t.Errorf("got %+v", got)
	}
	if e.Attributes[AttrTest] == "" || e.Type != "ru.marshrut.inquiry.webform" || e.Source != "/connections/site" {
		t.Errorf("event %+v", e)
	}
}

func TestASecretInABodyIsBlankedBeforeItIsKept(t *testing.T) {
	c := Connection{Name: "site", Secrets: map[string]string{"key": "s3cret key!"}}
	_, attributes, data := received(c, Request{Body: []byte("name=A&key=s3cret+key%21&k=s3cret key!"), Query: "key=s3cret+key%21"}, Receipt{})
	if strings.Contains(data, "s3cret") || strings.Contains(attributes[AttrQuery], "s3cret") {
		t.Errorf("kept %q and %q", data, attributes[AttrQuery])
	}
	if len(data) != len("name=A&key=s3cret+key%21&k=s3cret key!") {
		t.Error("the length changed")
	}
}
