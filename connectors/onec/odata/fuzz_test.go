package odata

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marshrut/internal/corpustest"
)

const entry = `<entry xmlns="http://www.w3.org/2005/Atom"><id>http://base.example/odata/standard.odata/Catalog_X(guid'5a1f0000-0000-4000-8000-000000000001')</id>
<content type="application/xml"><m:properties xmlns:d="d" xmlns:m="m"><d:Description>a</d:Description><d:Rows m:type="Collection(S.X_RowType)"><d:element><d:LineNumber>1</d:LineNumber></d:element></d:Rows></m:properties></content></entry>`

func FuzzDecodeEntity(f *testing.F) {
	f.Add([]byte(`{"Ref_Key":"x","rows":[{"LineNumber":"1"}],"n":1e400,"deep":[[[{}]]]}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := DecodeEntity(raw)
		if (e == nil) == (err == nil) {
			t.Errorf("%v with %v", e, err)
		}
		for field := range e {
			e.Text(field)
			e.Rows(field)
		}
	})
}

func FuzzDecodeFeed(f *testing.F) {
	f.Add([]byte("<feed>" + entry + `<at:deleted-entry ref="x/Catalog_X(guid'5a1f0000-0000-4000-8000-000000000001')"/></feed>`))
	f.Add([]byte("<feed>" + strings.Repeat("<entry>", 100)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_ = decodeFeed(newWindow(bytes.NewReader(raw), 1<<20), func(c Change) error {
			if c.Set != "" && !IsGUID(c.Ref) || len(c.Raw) > len(raw) {
				t.Errorf("%+v is not of the feed", c)
			}
			_, _ = DecodeEntry(c.Raw)
			return nil
		})
		_, _ = DecodeEntry(raw)
	})
}

func FuzzReadMetadata(f *testing.F) {
	f.Add([]byte(`<edmx:Edmx><EntityType Name="A"><Property Name="B" Type="Collection(S.C)"/></EntityType><EntitySet Name="A" EntityType="S.A"/></edmx:Edmx>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if m, err := ReadMetadata(bytes.NewReader(raw)); err == nil {
			m.Section("A", "B")
		}
	})
}

func FuzzErrors(f *testing.F) {
	f.Add(500, "application/json", []byte(`{"odata.error":{"code":"-1","message":{"value":"x"}}}`))
	f.Add(200, "text/html", []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, typ string, body []byte) {
		r := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {typ}}}
		if e := failure(r, body); e != nil {
			if e.kindFor(http.MethodPost) == "" || len(e.Message) > maxMessage+3 {
				t.Errorf("%+v", e)
			}
		}
	})
}

func TestEntriesOfAFeedAreReadOneByOne(t *testing.T) {
	n := 0
	err := decodeFeed(newWindow(strings.NewReader("<feed>"+strings.Repeat(entry, 3)+"</feed>"), 1<<20), func(c Change) error {
		n++
		if c.Set != "Catalog_X" || c.Ref != "5a1f0000-0000-4000-8000-000000000001" {
			t.Errorf("%+v", c)
		}
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("%d entries, %v", n, err)
	}
	for _, broken := range []string{"<feed>" + entry, "<feed><entry>", "<html></html>", "<feed></entry></feed>", "", "{}"} {
		if err := decodeFeed(newWindow(strings.NewReader(broken), 1<<20), func(Change) error { return nil }); err == nil {
			t.Errorf("%s is taken", broken)
		}
	}
}

// The samples are answers of real bases, on machines that have them.
func TestAnswersOfRealBasesAreRead(t *testing.T) {
	folder := filepath.Join(corpustest.Folder("onec"), "samples")
	for _, name := range []string{"ut_demo_selectchanges_kontragenty.xml", "ut_demo_selectchanges_zakaz_klienta.xml"} {
		raw, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return // complete without them
		}
		entries := 0
		if err := decodeFeed(newWindow(bytes.NewReader(raw), 1<<20), func(c Change) error {
			entries++
			if c.Set == "" {
				return nil
			}
			e, err := DecodeEntry(c.Raw)
			if err == nil && (e.Ref() != c.Ref || e.Version() == "") {
				t.Errorf("%s: %s is read as %s", name, c.Ref, e.Ref())
			}
			return err
		}); err != nil || entries == 0 {
			t.Errorf("%s: %d entries, %v", name, entries, err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(folder, "ut_demo_metadata.xml"))
	if err != nil {
		return
	}
	m, err := ReadMetadata(bytes.NewReader(raw))
	if err != nil || m.Sets["Catalog_Контрагенты"]["ИНН"] != "Edm.String" {
		t.Errorf("%v", err)
	}
	if rows, ok := m.Section("Catalog_Контрагенты", "КонтактнаяИнформация"); !ok || rows["НомерТелефона"] == "" {
		t.Errorf("rows %v", rows)
	}
	raw, err = os.ReadFile(filepath.Join(folder, "atom_single_entity.xml"))
	if err != nil {
		return
	}
	e, err := DecodeEntry(raw)
	if err != nil || e.Text("Code") != "0000021" || len(e.Rows("Комментарии")) != 1 || e.Rows("Комментарии")[0].Text("Комментарий") != "комментарий1" {
		t.Errorf("%v, %v", e, err)
	}
}
