package generic_test

import (
	"net/http"
	"testing"

	"marshrut/connectors"
	"marshrut/connectors/connectortest"
	"marshrut/connectors/webform/generic"
)

func TestContract(t *testing.T) {
	connectortest.Provider(t, generic.Provider(), connectortest.Sample{Request: connectors.Request{
		Method: http.MethodPost, ContentType: "application/x-www-form-urlencoded", Header: http.Header{},
		Body: []byte("name=%D0%90%D0%BD%D0%BD%D0%B0&phone=%2B79123456789&a[b][c]=1&agree=on"),
	}})
}

func TestRecordedMessages(t *testing.T) { connectortest.Recorded(t, generic.Provider()) }
