package app

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// behind is the address of the one who asked. X-Forwarded-For is read from its end, where our own proxies wrote, as long as
// the address that handed it on is a trusted one; what a stranger put at its beginning is never reached.
func behind(proxies []netip.Prefix, r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	trusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
	}
	return addr
}
