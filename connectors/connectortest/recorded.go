package connectortest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"marshrut/connectors"
)

// update rewrites the expectations: MARSHRUT_UPDATE=1 go test ./connectors/...
var update = os.Getenv("MARSHRUT_UPDATE") != ""

// Recorded checks every message in testdata/*.txtar: the comment says what it is,
// then come the files
//
//	settings.json    optional, over the defaults
//	request          method and address behind the token, headers, as on the wire
//	body             or body.crlf (line ends made CRLF), or body.base64
//	inquiries.json   what the connector has to make of it, or
//	error            why it cannot
//
// Of a connector that makes one inquiry of several messages, request and body stand once for each, in the order
// they were received, three seconds apart, or as a line "Received: +40s" among the headers says.
func Recorded(t *testing.T, p connectors.Provider) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded messages in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { recorded(t, p, file) })
	}
}

func recorded(t *testing.T, p connectors.Provider, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := Open(t, p, part(archive, "settings.json"), nil)
	got, name := "", "inquiries.json"
	inquiries, err := understood(t, c, Requests(t, archive))
	if err != nil {
		got, name = err.Error()+"\n", "error"
	} else {
		got = pretty(t, inquiries)
	}
	if update {
		set(archive, name, got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(part(archive, name), got); diff != "" {
		t.Errorf("%s (-recorded +now):\n%s", strings.TrimSpace(string(archive.Comment)), diff)
	}
}

// understood is what the connection makes of the messages.
func understood(t *testing.T, c *connectors.Connected, requests []connectors.Request) (any, error) {
	var parts []connectors.Part
	aggregator, several := c.Instance.(connectors.Aggregator)
	for _, r := range requests {
		event, receipt, err := Receive(c, r)
		var refusal *connectors.Refusal
		if errors.Is(err, connectors.ErrForged) || errors.As(err, &refusal) {
			t.Fatalf("it is refused: %v", err)
		}
		if !several {
			return translate(c, event)
		}
		if receipt.Handshake {
			continue
		}
		part, err := aggregator.Part(event)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return inquiriesOf(anyOrder(t, aggregator, parts)), nil
}

// anyOrder shows that neither the order in which parts are handled nor a repeat makes a difference.
func anyOrder(t *testing.T, aggregator connectors.Aggregator, parts []connectors.Part) connectors.Aggregate {
	want := aggregator.Aggregate(parts)
	backward := slices.Clone(parts)
	slices.Reverse(backward)
	for name, other := range map[string][]connectors.Part{"backward": backward, "each twice": append(slices.Clone(backward), parts...)} {
		if diff := cmp.Diff(want, aggregator.Aggregate(other)); diff != "" {
			t.Errorf("%s (-in order +%s):\n%s", name, name, diff)
		}
	}
	return want
}

// Requests reads the messages of an archive.
func Requests(t testing.TB, archive *txtar.Archive) []connectors.Request {
	t.Helper()
	var all []connectors.Request
	for i, f := range archive.Files {
		if f.Name != "request" {
			continue
		}
		one := &txtar.Archive{Files: []txtar.File{f}}
		if i+1 < len(archive.Files) {
			one.Files = append(one.Files, archive.Files[i+1])
		}
		r := Request(t, one)
		r.ReceivedAt = At.Add(time.Duration(len(all)) * 3 * time.Second)
		if later, err := time.ParseDuration(strings.TrimPrefix(r.Header.Get("Received"), "+")); err == nil {
			r.ReceivedAt = At.Add(later)
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		t.Fatal("no request in the archive")
	}
	return all
}

// Request reads the message of an archive.
func Request(t testing.TB, archive *txtar.Archive) connectors.Request {
	t.Helper()
	lines := textproto.NewReader(bufio.NewReader(strings.NewReader(part(archive, "request") + "\n")))
	first, err := lines.ReadLine()
	if err != nil {
		t.Fatalf("no request: %v", err)
	}
	header, err := lines.ReadMIMEHeader()
	if err != nil {
		t.Fatalf("read headers: %v", err)
	}
	method, address, _ := strings.Cut(strings.TrimSuffix(first, " HTTP/1.1"), " ")
	path, query, _ := strings.Cut(address, "?")
	return connectors.Request{
		Method: method, Path: strings.TrimSuffix(path, "/"), Query: query, ContentType: header.Get("Content-Type"),
		Header: map[string][]string(header), Body: body(t, archive), ReceivedAt: At,
	}
}

func body(t testing.TB, archive *txtar.Archive) []byte {
	for _, f := range archive.Files {
		switch f.Name {
		case "body":
			return bytes.TrimSuffix(f.Data, []byte("\n"))
		case "body.crlf":
			return bytes.ReplaceAll(f.Data, []byte("\n"), []byte("\r\n"))
		case "body.base64":
			raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(f.Data)), ""))
			if err != nil {
				t.Fatalf("body.base64: %v", err)
			}
			return raw
		}
	}
	return nil
}

func part(archive *txtar.Archive, name string) string {
	for _, f := range archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func set(archive *txtar.Archive, name, data string) {
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool {
		return f.Name != name && (f.Name == "error" || f.Name == "inquiries.json")
	})
	for i, f := range archive.Files {
		if f.Name == name {
			archive.Files[i].Data = []byte(data)
			return
		}
	}
	archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(data)})
}

// pretty is JSON without what is empty, so that a person sees what was understood.
func pretty(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(pruned(tree), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text := string(out) + "\n"
	for escape, plain := range map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"} {
		text = strings.ReplaceAll(text, escape, plain)
	}
	return text
}

// ours are parts of an inquiry that say nothing of what a connector understood.
var ours = map[string]bool{"ID": true, "Connection": true, "Key": true, "BodyHash": true, "ReceivedAt": true, "Trace": true}

func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			value = pruned(value)
			if empty(value) || ours[key] {
				delete(v, key)
			} else {
				v[key] = value
			}
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	}
	return v
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}
