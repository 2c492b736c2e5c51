// Package safedial makes outgoing connections that cannot be turned against our
// own network: the address is judged when it is dialled, after the name was
// resolved, so that neither a redirect nor a rebinding name gets past it (OWASP
// API7, SSRF). Whatever calls an address that somebody typed in uses it.
package safedial

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// Policy is what may be dialled: any public address, and what is in Allow.
type Policy struct {
	// Allow lists networks of our own that the administrator opened, like the one
	// the 1C server stands in.
	Allow []netip.Prefix
}

// special lists what is not the public internet (IANA special-purpose address
// registries), as far as netip has no name for it.
var special = prefixes(
	"0.0.0.0/8",       // "this network"
	"100.64.0.0/10",   // shared address space of providers (CGNAT)
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"240.0.0.0/4",     // reserved, and broadcast
	"::/96",           // IPv4-compatible, deprecated
	"64:ff9b::/96",    // NAT64: an IPv4 address inside
	"64:ff9b:1::/48",  // NAT64, local use
	"100::/64",        // discard
	"2001::/23",       // protocol assignments, Teredo among them
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4: an IPv4 address inside
	"3fff::/20",       // documentation
	"fec0::/10",       // site-local, deprecated
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// Internal is an address of an internal network that nobody has allowed.
type Internal struct{ Addr netip.Addr }

func (i *Internal) Error() string {
	return fmt.Sprintf("%s is an address of an internal network; the administrator may allow it", i.Addr)
}

// InternalNetwork is the address, for those who say in words of their own what to do, and must not know this package.
func (i *Internal) InternalNetwork() netip.Addr { return i.Addr }

// Check refuses an address that is not on the public internet and not allowed.
func (p Policy) Check(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("") // ::ffff:127.0.0.1 is 127.0.0.1
	contains := func(n netip.Prefix) bool { return n.Contains(addr) }
	if slices.ContainsFunc(p.Allow, contains) {
		return nil
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || slices.ContainsFunc(special, contains) {
		return &Internal{addr}
	}
	return nil
}

// control judges the address a socket is about to connect to.
func (p Policy) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %q: %w", address, err)
	}
	return p.Check(to.Addr())
}

// Dialer dials under the policy.
func (p Policy) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, ControlContext: p.control}
}

// Client is an HTTP client under the policy. It follows no redirect, uses no
// proxy (which would resolve names for us) and bounds headers; the caller bounds
// time by the context and the body by reading.
func (p Policy) Client() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            p.Dialer().DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}
