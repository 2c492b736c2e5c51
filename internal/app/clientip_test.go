package app

import (
	"net/http/httptest"
	"testing"
)

func TestAStrangerCannotForgeTheAddressItComesFrom(t *testing.T) {
	find, err := clientIP([]string{"10.0.0.0/8", "192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ peer, forwarded, want string }{
		"no proxy":                      {"203.0.113.5:1000", "198.51.100.1", "203.0.113.5"},
		"one proxy":                     {"10.1.2.3:1000", "198.51.100.1", "198.51.100.1"},
		"two proxies":                   {"10.1.2.3:1000", "198.51.100.1, 192.0.2.7", "198.51.100.1"},
		"a forged hop before the proxy": {"10.1.2.3:1000", "1.1.1.1, 198.51.100.1", "198.51.100.1"},
		"nonsense":                      {"10.1.2.3:1000", "unknown", "10.1.2.3"},
		"an IPv4 address inside IPv6":   {"[::ffff:10.1.2.3]:1000", "198.51.100.1", "198.51.100.1"},
	} {
		r := httptest.NewRequest("POST", "/in/site/token", nil)
		r.RemoteAddr = c.peer
		r.Header.Set("X-Forwarded-For", c.forwarded)
		if got := find(r).String(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
