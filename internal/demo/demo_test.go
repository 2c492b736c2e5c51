package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"marshrut/configs"
	"marshrut/internal/app"
	"marshrut/internal/localpg"
)

// company starts a small demo company: ten days, some forty inquiries.
func company(t *testing.T, dir string) (*app.App, string) {
	t.Helper()
	var out bytes.Buffer
	gateway, err := Start(t.Context(), Options{Dir: dir, Listen: "127.0.0.1:0", Out: &out, Err: io.Discard, Version: "test", Days: 10, Inquiries: 40})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	token, ok := strings.CutPrefix(lines[len(lines)-1], "token: ")
	if !ok {
		t.Fatalf("the last line is %q, want the token", lines[len(lines)-1])
	}
	return gateway, token
}

func stop(t *testing.T, gateway *app.App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	if err := gateway.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func ask(t *testing.T, gateway *app.App, token, path string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+gateway.Addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("%s: %d %s", path, answer.StatusCode, text)
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestTheCompanyHasLivedAndGoesOnWhereItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	t.Cleanup(func() {
		if err := localpg.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	gateway, token := company(t, dir)
	if _, err := configs.Load(filepath.Join(dir, "marshrut.yaml"), nil); err != nil {
		t.Errorf("a command beside it cannot read the settings: %v", err)
	}
	attended(t, gateway, token)
	before := whatHappened(t, gateway, token)
	awaitBase(t, gateway, token)
	for _, phone := range []string{strangerWrites, strangerCalls} {
		var page struct{ Items []struct{ Title string } }
		if ask(t, gateway, token, "/api/v1/leads?phone="+url.QueryEscape(phone), &page); len(page.Items) > 0 {
			t.Errorf("whoever tries %s finds %+v", phone, page.Items)
		}
	}
	stop(t, gateway)
	if before.calls < 3 {
		t.Errorf("%d calls in ten days", before.calls)
	}
	if before.leads < 15 || before.closed == 0 || before.done < 15 {
		t.Errorf("the history is thin: %+v", before)
	}

	// A second start keeps everything, the token too: scripts go on working.
	gateway, again := company(t, dir)
	if again != token {
		t.Error("the second start has another token")
	}
	after := whatHappened(t, gateway, token)
	stop(t, gateway)
	if after != before {
		t.Errorf("the second start changed the history: %+v, before %+v", after, before)
	}

	// A history that was cut short is made anew, not shown half; so is that of a folder somebody has deleted.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	gateway, token = company(t, dir)
	anew := whatHappened(t, gateway, token)
	stop(t, gateway)
	if anew.leads < 15 || anew.leads > 2*before.leads {
		t.Errorf("after a cut the history is %+v, want it made once", anew)
	}
}

// attended wants every connection to know that the gateway runs.
func attended(t *testing.T, gateway *app.App, token string) {
	t.Helper()
	var page struct {
		Items []struct {
			Name  string
			State struct{ Code string }
		}
	}
	ask(t, gateway, token, "/api/v1/connections", &page)
	for _, c := range page.Items {
		if c.State.Code == "unattended" || c.State.Code == "unhandled" {
			t.Errorf("connection %s is %s beside a gateway that runs", c.Name, c.State.Code)
		}
	}
	if len(page.Items) < 7 {
		t.Errorf("there are %d connections", len(page.Items))
	}
}

// awaitBase wants a lead that was entered in the simulated base to arrive, and ours to be there.
func awaitBase(t *testing.T, gateway *app.App, token string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // a busy machine
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var page struct{ Items []struct{ ID string } }
		ask(t, gateway, token, "/api/v1/leads?connection="+baseConnection, &page)
		var sent int
		if err := gateway.Pool().QueryRow(ctx, `select count(*) from exchange_link where kind = 'lead' and version <> ''`).Scan(&sent); err != nil {
			t.Fatal(err)
		}
		if len(page.Items) > 0 && sent > 3 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d leads came from the base, %d are in it", len(page.Items), sent)
		case <-tick.C:
		}
	}
}

type happened struct{ leads, closed, done, calls int }

func whatHappened(t *testing.T, gateway *app.App, token string) (h happened) {
	t.Helper()
	var page struct {
		Items []struct{ Status, Channel, Connection string }
	}
	ask(t, gateway, token, "/api/v1/leads?limit=500", &page)
	for _, lead := range page.Items {
		if lead.Connection == baseConnection {
			continue // the people of 1C go on working while we look
		}
		h.leads++
		if lead.Status != "open" {
			h.closed++
		}
		if lead.Channel == "call" {
			h.calls++
		}
	}
	ask(t, gateway, token, "/api/v1/tasks?status=done&limit=500", &page)
	h.done = len(page.Items)
	return h
}

func TestLettersAreThoseOfASmallCompany(t *testing.T) {
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	all := letters(seeded(), from, from.AddDate(0, 0, 90), 320)
	if len(all) < 230 || len(all) > 420 {
		t.Errorf("%d letters in 90 days, want about 320", len(all))
	}
	for i := 1; i < len(all); i++ {
		if all[i].at.Before(all[i-1].at) {
			t.Fatalf("letter %d comes before the one before it", i)
		}
	}
	if again := letters(seeded(), from, from.AddDate(0, 0, 90), 320); len(again) != len(all) || !bytes.Equal(again[100].body, all[100].body) {
		t.Error("the same seed made another company")
	}
}
