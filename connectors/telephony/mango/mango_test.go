package mango_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"marshrut/connectors"
	"marshrut/connectors/connectortest"
	"marshrut/connectors/telephony/mango"
)

const (
	key  = "demo-key-0001"
	salt = "demo-salt-0001"

	missed = `{"entry_id":"entry-1","call_direction":1,"from":{"number":"79120000001"},"to":{"extension":"101"},"line_number":"74950000001",` +
		`"create_time":1772446500,"forward_time":1772446502,"talk_time":0,"end_time":1772446519,"entry_result":0,"disconnect_reason":1111}`
	// sha256sum of the key, the text above and the salt, computed with coreutils.
	missedSign = "90ae54950c2ed57dd8d62250d9d6d4a9951d938d1a99925bc159e2b708cdb2ff"
)

var secrets = map[string]string{"api_key": key, "api_salt": salt}

func post(path, event, sign string) connectors.Request {
	form := url.Values{"vpbx_api_key": {key}, "sign": {sign}, "json": {event}}
	return connectors.Request{Method: http.MethodPost, Path: path, ContentType: "application/x-www-form-urlencoded", Header: http.Header{}, Body: []byte(form.Encode())}
}

func TestContract(t *testing.T) {
	connectortest.Provider(t, mango.Provider(), connectortest.Sample{
		Secrets: secrets,
		Request: post("/events/summary", missed, missedSign),
		Forge: func(r connectors.Request) connectors.Request {
			r.Body = []byte(strings.Replace(string(r.Body), "79120000001", "79120000002", 1)) // another number under the same signature
			return r
		},
	})
}

func TestRecordedMessages(t *testing.T) { connectortest.Recorded(t, mango.Provider()) }

func TestTheSignatureIsOverTheBytesOfTheFieldAsTheyCame(t *testing.T) {
	c := connectortest.Open(t, mango.Provider(), "", secrets)
	if _, receipt, err := connectortest.Receive(c, post("/events/summary", missed, missedSign)); err != nil || receipt.Key != "entry-1" {
		t.Fatalf("genuine: %+v, %v", receipt, err)
	}
	if _, _, err := connectortest.Receive(c, post("/events/summary", missed, strings.ToUpper(missedSign))); err != nil {
		t.Errorf("in capitals: %v", err)
	}
	stranger := post("/events/summary", missed, missedSign)
	stranger.Body = []byte(strings.Replace(string(stranger.Body), key, "demo-key-0002", 1))
	for name, forged := range map[string]connectors.Request{
		"written anew":  post("/events/summary", strings.Replace(missed, ":1,", ": 1,", 1), missedSign),
		"no signature":  post("/events/summary", missed, ""),
		"another's key": stranger,
		"no field":      {Method: http.MethodPost, Path: "/events/summary", Header: http.Header{}, Body: []byte("sign=" + missedSign)},
	} {
		if _, _, err := connectortest.Receive(c, forged); !errors.Is(err, connectors.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASignedEventIsUnderstoodInWhateverClothesItComes(t *testing.T) {
	c := connectortest.Open(t, mango.Provider(), "", secrets)
	asJSON, _ := json.Marshal(map[string]string{"vpbx_api_key": key, "sign": missedSign, "json": missed})
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	for name, value := range map[string]string{"vpbx_api_key": key, "sign": missedSign, "json": missed} {
		_ = w.WriteField(name, value) // into memory
	}
	w.Close()
	form := post("/events/summary", missed, missedSign)
	for name, r := range map[string]connectors.Request{
		"a form":                       form,
		"JSON":                         {ContentType: "application/json", Body: asJSON},
		"JSON with a mark, as a form":  {ContentType: "application/x-www-form-urlencoded", Body: append([]byte("\ufeff"), asJSON...)},
		"an object inside JSON":        {ContentType: "application/json", Body: []byte(`{"vpbx_api_key":"` + key + `","sign":"` + missedSign + `","json":` + missed + `}`)},
		"parts":                        {ContentType: w.FormDataContentType(), Body: parts.Bytes()},
		"parts that nobody announced":  {ContentType: "application/octet-stream", Body: parts.Bytes()},
		"the query of a body-less GET": {Method: http.MethodGet, Query: string(form.Body)},
	} {
		r.Path, r.Header = "/events/summary", http.Header{}
		event, receipt, err := connectortest.Receive(c, r)
		if err != nil || receipt.Handshake || event.Key != "entry-1" {
			t.Errorf("%s: key %q, handshake %v, %v", name, event.Key, receipt.Handshake, err)
		}
		r.Body = bytes.Replace(r.Body, []byte("79120000001"), []byte("79120000002"), 1)
		r.Query = strings.Replace(r.Query, "79120000001", "79120000002", 1)
		if _, _, err := connectortest.Receive(c, r); !errors.Is(err, connectors.ErrForged) {
			t.Errorf("%s, changed: %v", name, err)
		}
	}
}

func TestAnEventThatIsNotWellEncodedIsNotTakenForACheckOfTheConnection(t *testing.T) {
	c := connectortest.Open(t, mango.Provider(), "", secrets)
	plain := `{"entry_id":"entry-1","note":"50% off; or more"}`
	sum := sha256.Sum256([]byte(key + plain + salt))
	r := post("/events/call", "", "")
	r.Body = []byte("vpbx_api_key=" + key + "&sign=" + hex.EncodeToString(sum[:]) + "&json=" + plain)
	if _, receipt, err := connectortest.Receive(c, r); err != nil || receipt.Handshake || receipt.Key != "entry-1" {
		t.Errorf("got %+v, %v", receipt, err)
	}
}

func TestTheCheckOfTheConnectionIsAnsweredAndNothingKept(t *testing.T) {
	c := connectortest.Open(t, mango.Provider(), "", secrets)
	for _, body := range []string{"", "vpbx_api_key=" + key, "vpbx_api_key=" + key + "&sign=00"} {
		_, receipt, err := connectortest.Receive(c, connectors.Request{Method: http.MethodPost, Header: http.Header{}, Body: []byte(body)})
		if err != nil || !receipt.Handshake || receipt.Response.Status != http.StatusOK {
			t.Errorf("%q: %+v, %v", body, receipt, err)
		}
	}
}

func TestWhatIsNoCallIsAnsweredAndNothingKept(t *testing.T) {
	c := connectortest.Open(t, mango.Provider(), "", nil)
	for _, path := range []string{"/events/dtmf", "/events/sms", "/result/route", "/events/record/tagged/"} {
		if _, receipt, err := connectortest.Receive(c, post(path, `{"entry_id":"entry-1"}`, "")); err != nil || !receipt.Handshake {
			t.Errorf("%s: %+v, %v", path, receipt, err)
		}
	}
}

func TestEventsOfOneCallHaveOneKeyAndIDsOfTheirOwn(t *testing.T) {
	c := connectortest.Open(t, mango.Provider(), "", nil)
	ids := map[string]string{}
	for name, r := range map[string]connectors.Request{
		"rings":     post("/events/call", `{"entry_id":"entry-1","call_id":"a","seq":1,"call_state":"Appeared"}`, ""),
		"answered":  post("/events/call", `{"entry_id":"entry-1","call_id":"a","seq":2,"call_state":"Connected"}`, ""),
		"elsewhere": post("/events/call", `{"entry_id":"entry-1","call_id":"b","seq":1,"call_state":"Appeared"}`, ""),
		"summary":   post("/events/summary", missed, ""),
		"recorded":  post("/events/record/added", `{"entry_id":"entry-1","recording_id":"r"}`, ""),
	} {
		event, _, err := connectortest.Receive(c, r)
		if err != nil || event.Key != "entry-1" {
			t.Errorf("%s: key %q, %v", name, event.Key, err)
		}
		if other, taken := ids[event.ID]; taken {
			t.Errorf("%s and %s have one id", name, other)
		}
		ids[event.ID] = name
	}
}

func TestEventsFromElsewhereAreRefusedWhenTheAddressesAreGiven(t *testing.T) {
	c := connectortest.Open(t, mango.Provider(), `{"senders":["192.0.2.0/28","198.51.100.7"]}`, nil)
	for address, allowed := range map[string]bool{"192.0.2.3": true, "::ffff:198.51.100.7": true, "192.0.2.16": false, "203.0.113.1": false} {
		r := post("/events/summary", missed, "")
		r.Remote = netip.MustParseAddr(address)
		if _, _, err := connectortest.Receive(c, r); (err == nil) != allowed {
			t.Errorf("from %s: %v", address, err)
		}
	}
	if _, _, err := connectortest.Receive(c, post("/events/summary", missed, "")); !errors.Is(err, connectors.ErrForged) {
		t.Errorf("from nowhere: %v", err)
	}
}

func TestKeysComeInPairs(t *testing.T) {
	_, err := mango.Provider().New(connectors.Connection{Name: "pbx", Secrets: map[string]string{"api_key": key}})
	if err == nil || !strings.Contains(err.Error(), "api_salt") {
		t.Errorf("got %v", err)
	}
}

func FuzzEvent(f *testing.F) {
	f.Add("/events/summary", []byte(post("/events/summary", missed, missedSign).Body))
	f.Add("/events/call", []byte(`vpbx_api_key=k&sign=s&json={"entry_id":"e","call_id":"c","seq":"1","timestamp":" 1772446500","call_state":"Connected","location":"abonent","from":{"number":"79120000001"}}`))
	f.Add("/events/call", []byte(`json={"entry_id":1,"call_id":{},"seq":-9999999999999999999,"timestamp":"9999999999999999","from":[],"to":null}`))
	f.Add("/events/record/added", []byte("json=%7B%22entry_id%22%3A%22e%22%2C%22recording_id%22%3A%22r%00%22%7D"))
	f.Add("/result/x", []byte("json=%zz&=&;"))
	f.Add("", []byte{0xff, 0x00, '='})
	f.Add("", []byte(`{"json":[{"entry_id":["e"],"call_state":"Appeared","from":["7"],"to":[{}]}]}`))
	f.Add("/events/call", []byte("--x\r\nContent-Disposition: form-data; name=json\r\n\r\n{}\r\n--x--"))
	c := connectortest.Open(f, mango.Provider(), "", nil)
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		connectortest.Understand(t, c, connectors.Request{Method: http.MethodPost, Path: path, ContentType: "application/x-www-form-urlencoded", Header: http.Header{}, Body: body})
	})
}
