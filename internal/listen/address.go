package listen

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/baton-project/baton/internal/poll"
	"golang.org/x/sys/unix"
)

// Address is where a socket listens: an IP address and port, for connections or
// for datagrams, or a unix socket's path. It is comparable; the zero value is no
// address.
type Address struct {
	ip       netip.AddrPort
	path     string
	datagram bool
}

// TCP returns the address of an IP address and a port. An IPv4 address within
// IPv6 stays one: sockets of the two families are different.
func TCP(ip netip.AddrPort) Address { return Address{ip: ip} }

// UDP is TCP for datagrams.
func UDP(ip netip.AddrPort) Address { return Address{ip: ip, datagram: true} }

// Unix returns the address of a unix socket.
func Unix(path string) Address { return Address{path: path} }

// ParseAddress reads what [Address.String] wrote.
func ParseAddress(text string) (Address, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if path == "" || len(path) > maxPath {
			return Address{}, fmt.Errorf("invalid address \"%s\"", text)
		}
		return Unix(path), nil
	}
	ip, err := netip.ParseAddrPort(text)
	if err != nil || ip.Addr().Zone() != "" {
		return Address{}, fmt.Errorf("invalid address \"%s\"", text)
	}
	return TCP(ip), nil
}

// Datagram reports whether the address is for datagrams.
func (a Address) Datagram() bool { return a.datagram }

// String is the address as nginx writes it: "0.0.0.0:80", "[::1]:80",
// "unix:/run/x.sock". It does not tell what is for datagrams.
func (a Address) String() string {
	if a.path != "" {
		return "unix:" + a.path
	}
	return a.ip.String()
}

// IP is the IP address and port; not valid for a unix socket.
func (a Address) IP() netip.AddrPort { return a.ip }

// Path is the unix socket's path; empty for an IP address.
func (a Address) Path() string { return a.path }

// Sockaddr is the address as a socket's end tells it.
func (a Address) Sockaddr() poll.Sockaddr {
	if a.path != "" {
		return poll.UnixSockaddr()
	}
	return poll.SockaddrFrom(a.ip)
}

// Wildcard reports whether the address is 0.0.0.0 or [::].
func (a Address) Wildcard() bool { return a.ip.IsValid() && a.ip.Addr().IsUnspecified() }

// overlaps reports whether one of two addresses is a wildcard that may cover the
// other.
func (a Address) overlaps(b Address) bool {
	return a != b && a.datagram == b.datagram && a.ip.Port() == b.ip.Port() && (a.Wildcard() || b.Wildcard())
}

// kind is the type for socket(2).
func (a Address) kind() int {
	if a.datagram {
		return unix.SOCK_DGRAM
	}
	return unix.SOCK_STREAM
}

// family is the address family for socket(2).
func (a Address) family() int {
	switch {
	case a.path != "":
		return unix.AF_UNIX
	case a.ip.Addr().Is4():
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// sockaddr is the address for bind(2).
func (a Address) sockaddr() unix.Sockaddr {
	switch a.family() {
	case unix.AF_UNIX:
		if strings.HasPrefix(a.path, "@") { // a file, not an abstract name
			return &unix.SockaddrUnix{Name: "./" + a.path}
		}
		return &unix.SockaddrUnix{Name: a.path}
	case unix.AF_INET:
		return &unix.SockaddrInet4{Port: int(a.ip.Port()), Addr: a.ip.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.ip.Port()), Addr: a.ip.Addr().As16()}
}

var errFamily = errors.New("unsupported protocol family")

// fromSockaddr is the address that getsockname(2) told of a socket that is not for
// datagrams.
func fromSockaddr(sa unix.Sockaddr) (Address, error) {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return TCP(netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))), nil
	case *unix.SockaddrInet6:
		return TCP(netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))), nil
	case *unix.SockaddrUnix:
		if strings.HasPrefix(sa.Name, "./@") { // see sockaddr
			return Unix(sa.Name[2:]), nil
		}
		return Unix(sa.Name), nil
	}
	return Address{}, errFamily
}
