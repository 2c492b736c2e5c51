package telephony

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"marshrut/connectors"
	"marshrut/leads"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// heard is a fact received at a second of the call.
func heard(second int, f Fact) Heard {
	return Heard{Fact: f, ID: fmt.Sprint(f.Kind, f.Leg, f.Seq, second), At: at(second)}
}

func incoming(kind Kind, extension string) Fact {
	return Fact{Kind: kind, Leg: extension, Extension: extension, Direction: leads.DirectionIn, Client: "79120000001", Dialled: "74950000001"}
}

func over(answered bool, talk int) Fact {
	f := incoming(Over, "")
	f.Leg, f.Answered, f.Talk = "", answered, time.Duration(talk)*time.Second
	return f
}

func TestACallIsTheSameInWhateverOrderItIsToldAndHoweverOften(t *testing.T) {
	kinds := []Kind{Begun, Rings, Answered, LegOver, Over, Recorded}
	rapid.Check(t, func(t *rapid.T) {
		var all []Heard
		for i := range rapid.IntRange(0, 8).Draw(t, "n") {
			f := Fact{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Leg: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "leg"),
				Seq: rapid.IntRange(0, 3).Draw(t, "seq"), Extension: rapid.SampledFrom([]string{"", "101", "102"}).Draw(t, "extension"),
				Client: rapid.SampledFrom([]string{"", "79120000001", "79120000002"}).Draw(t, "client"), Answered: rapid.Bool().Draw(t, "answered"),
				Direction: rapid.SampledFrom([]leads.Direction{"", "in", "out", "none"}).Draw(t, "direction"), Talk: time.Duration(rapid.IntRange(0, 90).Draw(t, "talk")) * time.Second,
				At: at(rapid.IntRange(0, 100).Draw(t, "at")), Recording: rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "recording")}
			all = append(all, Heard{Fact: f, ID: fmt.Sprint(i), At: at(rapid.IntRange(0, 100).Draw(t, "received"))})
		}
		want := Assemble(all)
		shuffled := rapid.Permutation(append(slices.Clone(all), all...)).Draw(t, "told")
		if diff := cmp.Diff(want, Assemble(shuffled)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestWhatIsReceivedInReverseEndsAsTheSummarySays(t *testing.T) {
	events := []Fact{incoming(Begun, ""), incoming(Rings, "101"), incoming(Answered, "101"), over(true, 40)}
	rapid.Check(t, func(t *rapid.T) {
		var all []Heard
		for i, f := range rapid.Permutation(events).Draw(t, "received") {
			all = append(all, heard(i, f))
		}
		lost := rapid.IntRange(0, 3).Draw(t, "lost")
		if all[lost].Kind != Over {
			all = slices.Delete(all, lost, lost+1)
		}
		c := Assemble(all)
		if !c.Final || !c.Answered || c.Talk != 40*time.Second || c.Client != "79120000001" || c.Direction != leads.DirectionIn || c.State != leads.CallOver || len(c.Phones) != 0 {
			t.Fatalf("got %+v", c)
		}
	})
}

func TestTheScreensFollowTheTelephones(t *testing.T) {
	for _, c := range []struct {
		name   string
		heard  []Heard
		state  string
		phones string
	}{
		{"in a menu", []Heard{heard(0, incoming(Begun, ""))}, leads.CallRinging, ""},
		{"two ring", []Heard{heard(0, incoming(Rings, "101")), heard(1, incoming(Rings, "102"))}, leads.CallRinging, "101 102"},
		{"one of two gave up", []Heard{heard(0, incoming(Rings, "101")), heard(1, incoming(Rings, "102")), heard(5, incoming(LegOver, "101"))}, leads.CallRinging, "102"},
		{"one of two answered", []Heard{heard(0, incoming(Rings, "101")), heard(1, incoming(Rings, "102")), heard(5, incoming(Answered, "102"))}, leads.CallTalking, "102"},
		{"asked by a third", []Heard{heard(0, incoming(Rings, "101")), heard(5, incoming(Answered, "101")), heard(30, incoming(Rings, "103"))}, leads.CallTalking, "101 103"},
		{"hung up, no summary yet", []Heard{heard(0, incoming(Rings, "101")), heard(5, incoming(LegOver, "101"))}, leads.CallOver, ""},
		{"the summary is there", []Heard{heard(0, incoming(Rings, "101")), heard(9, over(false, 0))}, leads.CallOver, ""},
		{"the end overtook the answer", []Heard{heard(0, incoming(Rings, "101")), heard(5, incoming(LegOver, "101")), heard(6, incoming(Answered, "101"))}, leads.CallOver, ""},
	} {
		got := Assemble(c.heard)
		if got.State != c.state || strings.Join(got.Phones, " ") != c.phones {
			t.Errorf("%s: %s at %v", c.name, got.State, got.Phones)
		}
	}
}

func TestHowLongToWaitForTheSummaryDependsOnHowTheCallStands(t *testing.T) {
	rings, answered := heard(0, incoming(Rings, "101")), heard(5, incoming(Answered, "101"))
	for name, c := range map[string]struct {
		heard []Heard
		due   time.Time
	}{
		"ringing":        {[]Heard{rings}, at(0).Add(waitRinging)},
		"talking":        {[]Heard{rings, answered}, at(5).Add(waitTalking)},
		"hung up":        {[]Heard{rings, answered, heard(60, incoming(LegOver, "101"))}, at(60).Add(waitSummary)},
		"only a record":  {[]Heard{heard(3, Fact{Kind: Recorded, Recording: "r"})}, time.Time{}},
		"nothing at all": {nil, time.Time{}},
	} {
		if got := Assemble(c.heard); !got.Due.Equal(c.due) || got.Final {
			t.Errorf("%s: due %v, final %v", name, got.Due, got.Final)
		}
	}
}

func TestWithoutASummaryTheTelephonesTell(t *testing.T) {
	missed := Assemble([]Heard{heard(0, incoming(Rings, "101")), heard(18, incoming(LegOver, "101"))})
	if missed.Answered || missed.Ring != 18*time.Second {
		t.Errorf("missed: %+v", missed)
	}
	talked := Assemble([]Heard{heard(0, incoming(Rings, "101")), heard(7, incoming(Answered, "101")), heard(47, incoming(LegOver, "101"))})
	if !talked.Answered || talked.Ring != 7*time.Second || talked.Talk != 40*time.Second || talked.Extension != "101" {
		t.Errorf("talked: %+v", talked)
	}
}

func TestAClockThatIsHoursOffIsNotBelieved(t *testing.T) {
	for name, c := range map[string]struct{ off, want time.Duration }{
		"right": {0, 0}, "two minutes off": {2 * time.Minute, 2 * time.Minute}, "three hours ahead": {3 * time.Hour, 0}, "three hours behind": {-3 * time.Hour, 0},
	} {
		f := over(true, 40)
		f.Ring, f.Began, f.At = 10*time.Second, at(0).Add(c.off), at(50).Add(c.off)
		if got := Assemble([]Heard{heard(50, f)}).Began; !got.Equal(at(0).Add(c.want)) {
			t.Errorf("%s: it began at %v, want %v", name, got, at(0).Add(c.want))
		}
	}
}

func TestNewsThatComeLateTellOfTheMomentOfTheCall(t *testing.T) {
	for name, late := range map[string]time.Duration{"twenty minutes": 20 * time.Minute, "an hour": time.Hour, "a day": 24 * time.Hour, "half a night": 5*time.Hour + 30*time.Minute, "a week": 7*24*time.Hour + 7*time.Minute} {
		summary := over(true, 40)
		summary.Ring, summary.Began, summary.At = 10*time.Second, at(0), at(50)
		alone := Heard{Fact: summary, ID: "summary", At: at(50).Add(late)}
		rings, up := incoming(Rings, "101"), incoming(LegOver, "101")
		rings.At, up.At = at(0), at(9)
		for told, heard := range map[string][]Heard{
			"only the summary":   {alone},
			"rang at its time":   {heard(0, incoming(Rings, "101")), alone},
			"telephones, no end": {{Fact: up, ID: "up", At: at(1).Add(late)}, {Fact: rings, ID: "rings", At: at(2).Add(late)}},
		} {
			if got := Assemble(heard).Began; !got.Equal(at(0)) {
				t.Errorf("%s later, %s: it began at %v, want %v", name, told, got, at(0))
			}
		}
	}
}

func TestACallThatIsToldAsItGoesIsOfNowThoughTheClockIsOfAnotherZone(t *testing.T) {
	for _, zone := range []time.Duration{-5 * time.Hour, -time.Hour, time.Hour, 2 * time.Hour} {
		rings, summary := incoming(Rings, "101"), over(true, 40)
		rings.Began, summary.Began = at(0).Add(zone), at(0).Add(zone)
		if got := Assemble([]Heard{heard(0, rings), heard(50, summary)}).Began; !got.Equal(at(0)) {
			t.Errorf("%s off: it began at %v, want %v", zone, got, at(0))
		}
	}
}

func TestAMomentNobodyCanKeepNewsBackForIsNotBelieved(t *testing.T) {
	f := over(true, 40)
	f.Began, f.At = noon.AddDate(-10, 0, 0), noon.AddDate(-10, 0, 0)
	if got := Assemble([]Heard{heard(40, f)}).Began; !got.Equal(at(0)) {
		t.Errorf("it began at %v, want %v", got, at(0))
	}
}

func TestACallInVainRangSinceItBeganThoughItsEventsComeTogether(t *testing.T) {
	begun, end := incoming(Begun, ""), over(false, 0)
	begun.Began, end.Began = at(0), at(0)
	if got := Assemble([]Heard{heard(29, begun), heard(30, end)}); got.Ring != 30*time.Second {
		t.Errorf("it rang for %v, want 30 s", got.Ring)
	}
}

// plainDialect is of the tests: it says what it is told.
type plainDialect struct{ fact Fact }

func (plainDialect) Identify(connectors.Request) (connectors.Receipt, error) {
	return connectors.Receipt{Key: "call-1"}, nil
}
func (d plainDialect) Fact(connectors.Request) (Fact, error) { return d.fact, nil }

func instance(t *testing.T, change func(*Settings)) *Instance {
	t.Helper()
	s := Defaults
	if change != nil {
		change(&s)
	}
	i, err := New(connectors.Connection{Name: "pbx", Region: "RU", Source: "phone"}, s, plainDialect{})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestNumbersAreReadAsExchangesWriteThem(t *testing.T) {
	i := instance(t, nil)
	for written, want := range map[string]string{
		"79120000001": "+79120000001", "+79120000001": "+79120000001", "89120000001": "+79120000001", "9120000001": "+79120000001",
		"sip:79120000001@pbx.example.org": "+79120000001", "tel:+79120000001;ext=5": "+79120000001", " 79120000001 ": "+79120000001",
		"375291234567": "+375291234567", "77011234567": "+77011234567",
		"anonymous": "", "": "", "101": "", "sip:orlova@pbx.example.org": "",
	} {
		point, _ := i.phone(written)
		if got := point.Value; got != want {
			t.Errorf("%q is %q, want %q", written, got, want)
		}
	}
}

func TestTheNumberDialledSaysTheSource(t *testing.T) {
	i := instance(t, func(s *Settings) {
		s.Sources = map[string]string{"8 (495) 000-00-01": "ads", "sip:line1@pbx.example.org": "site"}
	})
	for dialled, want := range map[string]string{"74950000001": "ads", "+7 495 000-00-01": "ads", "SIP:Line1@pbx.example.org": "site", "74950000002": "", "": ""} {
		in, ok := i.inquiry(Call{Direction: leads.DirectionIn, Client: "79120000001", Dialled: dialled})
		if !ok || in.Source != want {
			t.Errorf("%q gives source %q, want %q", dialled, in.Source, want)
		}
	}
}

func TestACallBetweenOurOwnPeopleIsNoInquiry(t *testing.T) {
	i := instance(t, nil)
	for name, c := range map[string]Call{"said so": {Direction: leads.DirectionNone, Client: "79120000001"}, "an extension calls": {Direction: leads.DirectionIn, Client: "102"},
		"an extension is called": {Direction: leads.DirectionOut, Client: "102", State: leads.CallRinging, Phones: []string{"101"}}} {
		if _, ok := i.inquiry(c); ok {
			t.Errorf("%s: it is one", name)
		}
		if live := i.live(c); live.State != leads.CallOver || len(live.Extensions) != 0 {
			t.Errorf("%s: it shows as %+v", name, live)
		}
	}
	own := instance(t, func(s *Settings) { s.Internal = `^7495000\d{4}$` })
	if _, ok := own.inquiry(Call{Direction: leads.DirectionIn, Client: "74950000002"}); ok {
		t.Error("a number that the setting calls internal is a client's")
	}
}

func TestWhatTheOutsideWorldWritesIsFitToBeStored(t *testing.T) {
	c := connectors.Connection{Name: "pbx", Region: "RU"}
	i, err := New(c, Defaults, plainDialect{Fact{Kind: Over, Client: "7912\x000000001\xff", Talk: 1 << 62, Began: time.Unix(1<<40, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	e := connectors.NewEvent(&connectors.Connected{Connection: c}, connectors.Request{ReceivedAt: noon}, connectors.Receipt{Key: "call-1"}, time.UTC)
	part, err := i.Part(e)
	if err != nil || !utf8.Valid(part.Data) || strings.Contains(string(part.Data), `\u0000`) {
		t.Errorf("%s, %v", part.Data, err)
	}
	if in := i.Aggregate([]connectors.Part{part}).Inquiry; in == nil || in.Call.Talk != longest || in.ReceivedAt.Year() != 2026 {
		t.Errorf("got %+v", in)
	}
}

func TestASettingIsRefusedWithTheCure(t *testing.T) {
	for want, change := range map[string]func(*Settings){
		`^\d{2,5}$`: func(s *Settings) { s.Internal = "(" }, "RU or KZ": func(s *Settings) { s.Region = "Russia" },
		"192.0.2.1": func(s *Settings) { s.Senders = []string{"mango"} }, "+7 495": func(s *Settings) { s.Sources = map[string]string{"main": "ads"} },
		"needs the key": func(s *Settings) { s.Sources = map[string]string{"74950000001": ""} },
	} {
		s := Defaults
		change(&s)
		if _, err := New(connectors.Connection{Name: "pbx"}, s, plainDialect{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
