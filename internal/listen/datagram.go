package listen

import (
	"errors"
	"fmt"
	"slices"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// Datagrams of one client must come to one worker, which has its session. So an
// address for datagrams has several sockets whether reuseport is said or not: the
// kernel chooses among them by the two addresses of a datagram, and chooses the same
// one as long as there are as many. Sockets are kept over reloads and upgrades, and
// never are some added to those that baton has opened: the sessions of one socket go
// to another worker together. There are more than workers, so that more workers have
// something to read later. What nginx has opened without reuseport is one socket, and
// has no sessions that would outlive the upgrade.

// How many sockets an address for datagrams gets, and how many all such addresses
// get together, if that is not fewer than there are workers for each.
const (
	spread    = 16
	allSpread = 256
)

// spreadOf is how many sockets each of the addresses for datagrams in want gets: as
// many for each worker.
func (s *Set) spreadOf(want []Spec) int {
	addresses := 0
	for _, w := range want {
		if w.Address.datagram {
			addresses++
		}
	}
	n := min(spread, allSpread/max(addresses, 1))
	each := max((n+s.workers-1)/s.workers, 1)
	return each * s.workers
}

// ErrDatagramPath: a unix socket for datagrams.
var ErrDatagramPath = errors.New(`the "udp" parameter is not supported for unix domain sockets`)

// UDP makes the addresses of d those for datagrams. The error is nginx's sentence
// about a parameter that makes no sense there.
func (d *Directive) UDP() error {
	for _, p := range []struct {
		name  string
		given bool
	}{
		{"fastopen", d.Options.FastOpen != -1},
		{"backlog", d.backlog},
		{"deferred", d.Options.Deferred},
		{"multipath", d.Options.Multipath},
		{"ssl", slices.Contains(d.Words, "ssl")},
		{"so_keepalive", d.Options.KeepAlive.Mode != KeepAliveUnset},
		{"proxy_protocol", slices.Contains(d.Words, "proxy_protocol")},
	} {
		if p.given {
			return fmt.Errorf(`"listen" directive "%s" parameter is incompatible with "udp"`, p.name)
		}
	}
	for i := range d.Addresses {
		if d.Addresses[i].path != "" {
			return ErrDatagramPath
		}
		d.Addresses[i].datagram = true
	}
	d.Options.ReusePort = true
	return nil
}

// tellLocal has the kernel tell with each datagram to which of the machine's
// addresses it came, where the socket's own does not say so.
func (s *socket) tellLocal(l *log.Logger) {
	if !s.address.Wildcard() {
		return
	}
	level, name, text := unix.IPPROTO_IP, unix.IP_PKTINFO, "IP_PKTINFO"
	if s.address.family() == unix.AF_INET6 {
		level, name, text = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO"
	}
	if err := unix.SetsockoptInt(s.fd.Raw(), level, name, 1); err != nil {
		ignored(l, log.Alert, fmt.Sprintf("setsockopt(%s) for %s", text, s.address), err)
	}
}

// examineDatagram is examine for a socket that takes datagrams from anybody.
func examineDatagram(o *fd.Owned, a Address) (*socket, error) {
	a.datagram = true
	if _, err := unix.Getpeername(o.Raw()); err == nil {
		return nil, fmt.Errorf("%s is a connection", a)
	}
	return adopted(o, a)
}
