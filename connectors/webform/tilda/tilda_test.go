package tilda_test

import (
	"bytes"
	"errors"
	"net/http"
	"testing"

	"marshrut/connectors"
	"marshrut/connectors/connectortest"
	"marshrut/connectors/webform/tilda"
)

const form = "application/x-www-form-urlencoded"

func post(body string) connectors.Request {
	return connectors.Request{Method: http.MethodPost, ContentType: form, Header: http.Header{}, Body: []byte(body)}
}

func TestContract(t *testing.T) {
	connectortest.Provider(t, tilda.Provider(), connectortest.Sample{
		Secrets: map[string]string{"secret": "f00-bar-secret"},
		Request: post("Name=A&Phone=%2B79123456789&tranid=1:2&formid=form1&secret=f00-bar-secret&COOKIES=TILDAUTM%3Dutm_source%253Dx"),
		Forge: func(r connectors.Request) connectors.Request {
			r.Body = bytes.ReplaceAll(r.Body, []byte("f00-bar-secret"), []byte("f00-bar-wrong1"))
			return r
		},
	})
}

func TestRecordedMessages(t *testing.T) { connectortest.Recorded(t, tilda.Provider()) }

func TestTheHandshakeIsAnsweredAndNothingKept(t *testing.T) {
	c := connectortest.Open(t, tilda.Provider(), "", map[string]string{"secret": "f00-bar-secret"})
	for _, body := range []string{"test=test", "test=test&secret=f00-bar-secret"} {
		_, receipt, err := connectortest.Receive(c, post(body))
		if err != nil || !receipt.Handshake || receipt.Response.Status != http.StatusOK {
			t.Errorf("%s: %+v, %v", body, receipt, err)
		}
	}
}

func TestAFormWithAFieldCalledTestIsNoHandshake(t *testing.T) {
	c := connectortest.Open(t, tilda.Provider(), "", nil)
	_, receipt, err := connectortest.Receive(c, post("test=test&Phone=%2B79123456789&tranid=1:3"))
	if err != nil || receipt.Handshake {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestTheAnswerIsExactly200(t *testing.T) {
	c := connectortest.Open(t, tilda.Provider(), "", nil)
	_, receipt, err := connectortest.Receive(c, post("Phone=%2B79123456789&tranid=1:3"))
	if err != nil || receipt.Response.Status != http.StatusOK {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestTheSecretMayComeInAHeaderOfAnyOfItsNames(t *testing.T) {
	c := connectortest.Open(t, tilda.Provider(), `{"secret_name":"X-Form-Key"}`, map[string]string{"secret": "f00-bar-secret"})
	for header, value := range map[string]string{"X-Form-Key": "f00-bar-secret", "Authorization": "Bearer f00-bar-secret"} {
		r := post("Phone=1&tranid=1:3")
		r.Header.Set(header, value)
		if _, _, err := connectortest.Receive(c, r); err != nil {
			t.Errorf("in %s: %v", header, err)
		}
	}
	if _, _, err := connectortest.Receive(c, post("Phone=1&tranid=1:3")); !errors.Is(err, connectors.ErrForged) {
		t.Errorf("without it: %v", err)
	}
}

func TestTheNumberOfTheSubmissionIsItsIdentity(t *testing.T) {
	c := connectortest.Open(t, tilda.Provider(), "", nil)
	id := func(body string) string {
		event, _, err := connectortest.Receive(c, post(body))
		if err != nil {
			t.Fatal(err)
		}
		return event.ID
	}
	placed := id("Phone=1&tranid=1:3&payment[orderid]=7")
	if again := id("tranid=1:3&Phone=1&payment[orderid]=7&COOKIES=new"); again != placed {
		t.Error("a repeat with other cookies is another event")
	}
	if paid := id("Phone=1&tranid=1:3&payment[orderid]=7&payment[systranid]=99"); paid == placed {
		t.Error("the payment of an order is taken for a repeat of the order")
	}
}
