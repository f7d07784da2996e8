package listen

import (
	"net/netip"

	"github.com/baton-project/baton/internal/poll"
)

// Serving finds who would accept a connection to local now: the listener of exactly
// that address, or else of its port on all addresses; zero when nobody would. text is
// the address of the listener that has accepted it, and decides for a unix socket.
func Serving[L any](listeners []L, address func(L) Address, local poll.Sockaddr, text string) L {
	var found L
	for _, l := range listeners {
		a := address(l)
		ip := a.IP()
		switch {
		case a.Datagram():
		case local.IsUnix() || !ip.IsValid():
			if local.IsUnix() && !ip.IsValid() && a.String() == text {
				return l
			}
		case ip.Port() != uint16(local.Port()):
		case a == TCP(netip.AddrPortFrom(local.Addr(), ip.Port())):
			return l
		case ip.Addr().IsUnspecified() && ip.Addr().Is4() == local.Addr().Is4():
			found = l
		}
	}
	return found
}
