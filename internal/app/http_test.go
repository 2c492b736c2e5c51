package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTheDoorTakesAnAddressWithTwoSlashesAsItIs(t *testing.T) {
	inside := http.NewServeMux()
	inside.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	seen := ""
	h := door(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.URL.Path }), inside)
	for path, want := range map[string]int{
		"/in/phone/token//events/call": http.StatusOK, "/in/phone/token": http.StatusOK, "/widget/site.js": http.StatusOK,
		"/": http.StatusTeapot, "/leads": http.StatusTeapot, "/inside": http.StatusTeapot,
	} {
		w := httptest.NewRecorder()
		seen = ""
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		if w.Code != want || (want == http.StatusOK) != (seen == path) {
			t.Errorf("%s: %d, the edge saw %q", path, w.Code, seen)
		}
	}
}
