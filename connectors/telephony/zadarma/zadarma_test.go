package zadarma_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"marshrut/connectors"
	"marshrut/connectors/connectortest"
	"marshrut/connectors/telephony/zadarma"
)

const (
	secret = "demo-secret-0001"
	start  = "2026-03-02 13:15:00"
)

var secrets = map[string]string{"api_secret": secret}

// event is a form of names and values with its signature in the header, "" for none.
func event(signature string, pairs ...string) connectors.Request {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	header := http.Header{}
	if signature != "" {
		header.Set("Signature", signature)
	}
	return connectors.Request{Method: http.MethodPost, ContentType: "application/x-www-form-urlencoded", Header: header, Body: []byte(form.Encode())}
}

// Signatures computed with openssl and base64, of the secret above.
const (
	ofIncoming  = "MGMzZDI2MWExM2Y1ZDlhMzY4MzdmYWU2OWMwODM4NGVlNDhkY2ZkMQ==" // 79120000001 74950000001 start
	ofAnswer    = "MDVjYjUyZDkxM2I1ODExNjgyNDRlM2RlZWMzYWFjZGJiNTcxM2MxNA==" // 79120000001 101 start
	ofOutgoing  = "NjZhMWI3MjEzMTI1ZmYwZTQ4NzQyZjJkZGMxYmI0OWI5OTNjNTcxMg==" // 101 79120000001 start
	ofRecording = "Y2UyMmU3OWIxNGRjMjJlZWNjOGVlMjY0NzU1Y2MxMDVkMzc3MjQ3ZQ==" // in_01 1772446500.1
)

func missed(signature string) connectors.Request {
	return event(signature, "event", "NOTIFY_END", "call_start", start, "pbx_call_id", "in_01", "caller_id", "79120000001",
		"called_did", "74950000001", "duration", "0", "disposition", "no answer", "is_recorded", "0")
}

func TestContract(t *testing.T) {
	connectortest.Provider(t, zadarma.Provider(), connectortest.Sample{
		Secrets: secrets,
		Request: missed(ofIncoming),
		Forge: func(r connectors.Request) connectors.Request {
			r.Body = []byte(strings.Replace(string(r.Body), "79120000001", "79120000002", 1))
			return r
		},
	})
}

func TestRecordedMessages(t *testing.T) { connectortest.Recorded(t, zadarma.Provider()) }

func TestEachEventIsSignedOverFieldsOfItsOwn(t *testing.T) {
	c := connectortest.Open(t, zadarma.Provider(), "", secrets)
	in := []string{"call_start", start, "pbx_call_id", "in_01", "caller_id", "79120000001", "called_did", "74950000001"}
	out := []string{"call_start", start, "pbx_call_id", "out_01", "internal", "101", "destination", "79120000001", "caller_id", "74950000001"}
	of := func(name string, more []string) []string { return append([]string{"event", name}, more...) }
	for name, e := range map[string]struct {
		signature string
		pairs     []string
	}{
		"start":     {ofIncoming, of("NOTIFY_START", in)},
		"internal":  {ofIncoming, of("NOTIFY_INTERNAL", append(in, "internal", "101"))},
		"answer":    {ofAnswer, of("NOTIFY_ANSWER", append(in, "destination", "101"))},
		"end":       {ofIncoming, of("NOTIFY_END", in)},
		"menu":      {ofIncoming, of("NOTIFY_IVR", in)},
		"out start": {ofOutgoing, of("NOTIFY_OUT_START", out)},
		"out end":   {ofOutgoing, of("NOTIFY_OUT_END", out)},
		"record":    {ofRecording, []string{"event", "NOTIFY_RECORD", "pbx_call_id", "in_01", "call_id_with_rec", "1772446500.1"}},
	} {
		if _, receipt, err := connectortest.Receive(c, event(e.signature, e.pairs...)); err != nil || receipt.Key == "" {
			t.Errorf("%s: %+v, %v", name, receipt, err)
		}
		for _, wrong := range []string{"", "AAAA", strings.ToLower(e.signature)} {
			if _, _, err := connectortest.Receive(c, event(wrong, e.pairs...)); !errors.Is(err, connectors.ErrForged) {
				t.Errorf("%s with signature %q: %v", name, wrong, err)
			}
		}
	}
	if _, _, err := connectortest.Receive(c, event(ofIncoming, of("NOTIFY_PARTY", in)...)); !errors.Is(err, connectors.ErrForged) {
		t.Errorf("an event of which nobody knows what is signed: %v", err)
	}
}

func TestTheCheckOfTheAddressGetsItsEchoAndNothingIsKept(t *testing.T) {
	c := connectortest.Open(t, zadarma.Provider(), "", secrets)
	r := connectors.Request{Method: http.MethodGet, Query: "zd_echo=8b1a9953c4", Header: http.Header{}}
	_, receipt, err := connectortest.Receive(c, r)
	if err != nil || !receipt.Handshake || string(receipt.Response.Body) != "8b1a9953c4" || !strings.HasPrefix(receipt.Response.ContentType, "text/plain") {
		t.Errorf("%+v, %v", receipt, err)
	}
	r.Query = "zd_echo=" + url.QueryEscape("<script>alert(1)</script>")
	if _, receipt, _ = connectortest.Receive(c, r); strings.ContainsAny(string(receipt.Response.Body), "<>()/") {
		t.Errorf("it echoes %q", receipt.Response.Body)
	}
}

func TestTheAnswerOrdersNothing(t *testing.T) {
	c := connectortest.Open(t, zadarma.Provider(), "", nil)
	_, receipt, err := connectortest.Receive(c, missed(""))
	if err != nil || receipt.Response.Status != http.StatusOK || receipt.Response.Body == nil || len(receipt.Response.Body) != 0 {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestAnUnknownZoneIsRefusedWithTheCure(t *testing.T) {
	_, err := zadarma.Provider().New(connectors.Connection{Name: "pbx", Settings: []byte(`{"timezone":"MSK+3"}`)})
	if err == nil || !strings.Contains(err.Error(), "Europe/Moscow") {
		t.Errorf("got %v", err)
	}
}

func FuzzEvent(f *testing.F) {
	for _, body := range []string{
		string(missed("").Body), "event=NOTIFY_ANSWER&pbx_call_id=in_1&destination=101", "event=NOTIFY_OUT_END&duration=-1&disposition=answered&pbx_call_id=%00",
		"event=NOTIFY_RECORD&call_id_with_rec=1.1&pbx_call_id=in_1", "event=NOTIFY_END&call_start=0000-00-00+00:00:00&duration=99999999999999999999", "event=;&&%zz", "\xff\x00",
	} {
		f.Add("", []byte(body))
	}
	f.Add("zd_echo=abc&zd_echo=%ff", []byte{})
	c := connectortest.Open(f, zadarma.Provider(), "", nil)
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		connectortest.Understand(t, c, connectors.Request{Method: http.MethodPost, Query: query, ContentType: "application/x-www-form-urlencoded", Header: http.Header{}, Body: body})
	})
}
