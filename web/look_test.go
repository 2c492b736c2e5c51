package web

import (
	"context"
	"os"
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func TestEveryColourStandsInOnePlace(t *testing.T) {
	css, err := os.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, m := range regexp.MustCompile(`(--[\w-]+):`).FindAllStringSubmatch(string(css), -1) {
		seen[m[1]]++
	}
	for name, n := range seen {
		if n > 1 {
			t.Errorf("%s is set %d times", name, n)
		}
	}
	if len(seen) < 25 {
		t.Fatalf("only %d properties found: the pattern does not fit the sheet any more", len(seen))
	}
}

func TestTheRoomIsDarkAsTheSystemHasItUnlessThePersonChose(t *testing.T) {
	s := newStack(t)
	ctx := s.browser(800, 600)
	s.enter(ctx, "anna")
	ground := func() string {
		return ask(s, ctx, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`))
	}
	const light, dark = "rgb(245, 246, 244)", "rgb(20, 24, 22)"
	for _, c := range []struct{ system, chosen, want string }{
		{"light", "", light}, {"dark", "", dark}, {"light", "dark", dark}, {"dark", "light", light},
	} {
		s.run(ctx, roomOf(c.system), chromedp.Navigate(s.http.URL+"/profile"))
		if c.chosen != "" {
			if _, err := chromedp.RunResponse(ctx, chromedp.SetValue(chromedp.CSS("#u-theme"), c.chosen)); err != nil { // the choice sends its form
				t.Fatal(err)
			}
		}
		if got := ground(); got != c.want {
			t.Errorf("the system is %s, the person chose %q: the ground is %s", c.system, c.chosen, got)
		}
	}
}

// roomOf makes the browser's system light or dark.
func roomOf(scheme string) action {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
}
