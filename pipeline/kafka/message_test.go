package kafka

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"marshrut/pipeline"
)

// header finds a header's value.
func header(headers []kafka.Header, name string) string {
	for _, h := range headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

func TestAnEventTravelsInTheBinaryModeOfCloudEvents(t *testing.T) {
	e := pipeline.Event{
		ID: "1", Source: "/connections/site", Type: "ru.marshrut.inquiry.webform", Subject: "f-1", Key: "thread",
		Time: time.Date(2026, 3, 1, 12, 0, 0, 5, time.FixedZone("", 3*3600)), DataContentType: "application/json",
		Data: []byte(`{}`), TraceParent: "00-a-b-01", Connection: "site", Attributes: map[string]string{"header-referer": "x"},
	}
	m := message(e)
	key, _ := bytesOf(m.Key)
	value, _ := bytesOf(m.Value)
	if string(key) != "thread" || string(value) != "{}" || !m.Time.IsZero() {
		t.Errorf("key %q, value %q, time %v", key, value, m.Time)
	}
	for name, want := range map[string]string{
		"ce_specversion": "1.0", "ce_id": "1", "ce_source": "/connections/site", "ce_type": "ru.marshrut.inquiry.webform",
		"ce_subject": "f-1", "ce_time": "2026-03-01T09:00:00.000000005Z", "content-type": "application/json",
		"ce_traceparent": "00-a-b-01", "ce_connection": "site", "ce_partitionkey": "thread", "marshrut-header-referer": "x",
	} {
		if got := header(m.Headers, name); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
}

func TestACloudEventOfAnotherProducerIsRead(t *testing.T) {
	e := event("kafka/t/0/7", time.Now(), []byte("k"), []byte("body"), []kafka.Header{
		{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte("77")},
		{Key: "ce_type", Value: []byte("com.example")}, {Key: "ce_source", Value: []byte("/x")},
		{Key: "ce_severity", Value: []byte("high")}, {Key: "uber-trace-id", Value: []byte("1:2")},
	})
	if e.ID != "77" || e.Key != "k" || e.Type != "com.example" || string(e.Data) != "body" {
		t.Errorf("read as %+v", e)
	}
	if e.Attributes["severity"] != "high" || e.Attributes["kafka-uber-trace-id"] != "1:2" {
		t.Errorf("attributes are %v", e.Attributes)
	}
}

func TestAMessageNobodyCanReadBecomesAnEventThatSaysWhy(t *testing.T) {
	spec := kafka.Header{Key: "ce_specversion", Value: []byte("1.0")}
	for name, headers := range map[string][]kafka.Header{
		"foreign":       nil,
		"no id":         {spec},
		"old version":   {{Key: "ce_specversion", Value: []byte("0.3")}, {Key: "ce_id", Value: []byte("1")}},
		"time of words": {spec, {Key: "ce_id", Value: []byte("1")}, {Key: "ce_time", Value: []byte("noon")}},
	} {
		t.Run(name, func(t *testing.T) {
			first := event("kafka/t/0/7", time.Now(), nil, []byte("hello"), headers)
			if first.Type != pipeline.UnreadableType || first.Attributes[pipeline.UnreadableReason] == "" || string(first.Data) != "hello" {
				t.Errorf("became %+v", first)
			}
			again := event("kafka/t/0/7", time.Now(), nil, []byte("hello"), headers)
			other := event("kafka/t/0/8", time.Now(), nil, []byte("hello"), headers)
			if first.ID != again.ID || first.ID == other.ID {
				t.Error("its ID is not its place in the log")
			}
		})
	}
}

// FuzzDecode: whatever a message holds, it becomes an event that can be spooled,
// published again and read back the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("key"), []byte("value"), "ce_id", []byte("1"), "ce_time", []byte("2026-03-01T09:00:00Z"))
	f.Add([]byte(nil), []byte(nil), "content-type", []byte("text/plain"), "marshrut-query", []byte("\xff\x00"))
	f.Add([]byte("1"), []byte("{}"), "ce_specversion", []byte("0.3"), "ce_", []byte(""))
	f.Add([]byte("1"), []byte("{}"), "ce_time", []byte("9999-12-31T23:59:59.999999999Z"), "ce_subject", []byte("x"))
	f.Fuzz(func(t *testing.T, key, value []byte, name1 string, value1 []byte, name2 string, value2 []byte) {
		headers := []kafka.Header{
			{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte("id")},
			{Key: name1, Value: value1}, {Key: name2, Value: value2},
		}
		e := event("kafka/t/0/0", time.Unix(0, 0), key, value, headers)
		if e.ID == "" {
			t.Fatalf("an event without an ID: %+v", e)
		}
		m := message(e)
		k, _ := bytesOf(m.Key)
		v, _ := bytesOf(m.Value)
		again := event("kafka/t/0/1", time.Unix(1, 0), k, v, m.Headers)
		if !slices.Equal(e.Context(), again.Context()) || !maps.Equal(e.Attributes, again.Attributes) || string(e.Data) != string(again.Data) {
			t.Fatalf("%+v came back as %+v", e, again)
		}
	})
}
