package edge_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"marshrut/connectors"
)

// onAPage serves a page of somebody's site with the widget pasted into it, and the door beside it.
func onAPage(t *testing.T, d *door) (address string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/in/", d)
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><title>Кухни</title><style>button{display:none}</style><h1>Кухни</h1><script src="/widget/site.js" async></script>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	script, ok := d.Instance.(connectors.Widget).Script(server.URL + "/in/site/" + token)
	if !ok {
		t.Fatal("the connection offers no widget")
	}
	mux.HandleFunc("/widget/site.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Write(script)
	})
	return server.URL + "/page?utm_source=yandex&utm_campaign=kuhni"
}

// browser gives a tab of a real browser: Debian's package chromium.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := chromedp.DefaultExecAllocatorOptions[:]
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	return ctx
}

// tab is a browser tab with the widget on its page.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// ask runs JavaScript in the widget's shadow root and gives its text.
func (b tab) ask(js string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(function(){const root = document.getElementById('marshrut-widget').shadowRoot; return String(`+js+`)})()`))
	if err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
	return text
}

// until waits for JavaScript in the shadow root to be true.
func (b tab) until(js string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[chromedp.Void](`(function(){const host = document.getElementById('marshrut-widget'); if (!host) return false; const root = host.shadowRoot; return !!(`+js+`)})()`,
		chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(30*time.Second)))
	if err != nil {
		b.t.Fatalf("wait for %s: %v", js, err)
	}
}

const submit = `(root.querySelector('.send').click(), root.querySelector('.error').textContent)`

func TestTheWidgetAsksForACallInABrowser(t *testing.T) {
	d := given(t, "generic", `{"widget_title":"Перезвоним за минуту"}`, nil)
	page := onAPage(t, d)
	b := tab{t, browser(t)}
	if err := chromedp.Do(b.ctx, chromedp.Navigate(page)); err != nil {
		t.Fatal(err)
	}
	b.until(`root.querySelector('.open')`)
	// The site hides its buttons; ours lives in a root of its own.
	if shown := b.ask(`getComputedStyle(root.querySelector('.open')).display`); shown == "none" {
		t.Error("the site's styles reach the widget")
	}
	if title := b.ask(`(root.querySelector('.open').click(), root.querySelector('h2').textContent)`); title != "Перезвоним за минуту" {
		t.Errorf("title %q", title)
	}
	if complaint := b.ask(submit); !strings.Contains(complaint, "номер") {
		t.Errorf("without a phone: %q", complaint)
	}
	b.ask(`(root.querySelector('[name=name]').value = 'Анна', root.querySelector('[name=phone]').value = '8 912 345-67-89')`)
	if complaint := b.ask(submit); !strings.Contains(complaint, "согласие") {
		t.Errorf("without the consent: %q", complaint)
	}
	if len(d.events) > 0 {
		t.Fatal("something was sent without consent")
	}
	b.ask(`root.querySelector('[name=consent]').click()`)
	if shot := os.Getenv("MARSHRUT_SCREENSHOT"); shot != "" {
		picture(b, shot)
	}
	b.ask(submit)
	b.until(`root.querySelector('form').textContent.includes('Спасибо')`)

	d.mu.Lock()
	defer d.mu.Unlock()
	sent, err := url.ParseQuery(string(d.events[0].Data))
	if err != nil || sent.Get("phone") != "8 912 345-67-89" || sent.Get("name") != "Анна" || sent.Get("consent") != "yes" || !strings.Contains(sent.Get("page"), "utm_campaign=kuhni") {
		t.Errorf("sent %v, %v", sent, err)
	}
	inquiries, err := d.Instance.(connectors.Translator).Translate(d.events[0])
	if err != nil || inquiries[0].Attribution.UTM.Source != "yandex" || inquiries[0].Consent.State != "yes" || inquiries[0].State != "" {
		t.Errorf("understood as %+v, %v", inquiries, err)
	}
}

// picture keeps what the page looks like, for a person.
func picture(b tab, file string) {
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(file, shot, 0o644)
	}
	if err != nil {
		b.t.Error(err)
	}
}
