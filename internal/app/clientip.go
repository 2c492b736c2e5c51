package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientIP finds the sender behind proxies we trust: the last address in X-Forwarded-For that is not one of them.
func clientIP(trusted []string) (func(*http.Request) netip.Addr, error) {
	proxies := make([]netip.Prefix, 0, len(trusted))
	for _, text := range trusted {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return nil, fmt.Errorf("http.trusted_proxies: %w", errors.Join(err, addrErr))
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		proxies = append(proxies, prefix)
	}
	return func(r *http.Request) netip.Addr { return behind(proxies, r) }, nil
}

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
