package safedial_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"marshrut/internal/safedial"
)

func TestOnlyThePublicInternetIsDialled(t *testing.T) {
	tests := map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1946": true, "8.8.8.8": true,
		"127.0.0.1": false, "127.8.8.8": false, "::1": false, "::ffff:127.0.0.1": false, "::127.0.0.1": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "172.32.0.1": true, "192.168.1.1": false,
		"fd00::1": false, "169.254.169.254": false, "::ffff:169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false,
		"100.64.0.1": false, "100.127.255.255": false, "100.128.0.1": true, "0.0.0.0": false, "::": false,
		"224.0.0.1": false, "ff02::1": false, "255.255.255.255": false, "240.0.0.1": false, "198.18.0.1": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:0:4136:e378:8000:63bf:3fff:fdd2": false, "192.0.2.1": false,
	}
	for addr, want := range tests {
		if err := (safedial.Policy{}).Check(netip.MustParseAddr(addr)); (err == nil) != want {
			t.Errorf("%s: %v, may be dialled: want %v", addr, err, want)
		}
	}
}

func TestTheAdministratorMayOpenANetwork(t *testing.T) {
	p := safedial.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	for addr, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "127.0.0.1": false} {
		if err := p.Check(netip.MustParseAddr(addr)); (err == nil) != want {
			t.Errorf("%s: %v, may be dialled: want %v", addr, err, want)
		}
	}
}

func TestANameThatResolvesInsideIsRefusedWhenDialled(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		if res, err := (safedial.Policy{}).Client().Get("http://" + host + ":" + port); err == nil {
			res.Body.Close()
			t.Errorf("%s was dialled", host)
		}
	}
}
