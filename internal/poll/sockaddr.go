package poll

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sockaddr is the address of a socket's end, as a small value that can be
// compared. The zero value is no address. A unix socket's path is not kept.
type Sockaddr struct {
	ip     [16]byte // IPv4 in the first four bytes
	port   uint16
	family uint8  // unix.AF_...
	scope  uint32 // the interface of a link-local IPv6 address that sent a datagram; else 0
}

// SockaddrFrom returns the Sockaddr of an IP address and port. A zone is
// dropped.
func SockaddrFrom(p netip.AddrPort) Sockaddr {
	ip := p.Addr()
	s := Sockaddr{port: p.Port()}
	switch {
	case ip.Is4():
		s.family = unix.AF_INET
		four := ip.As4()
		copy(s.ip[:], four[:])
	case ip.Is6():
		s.family = unix.AF_INET6
		s.ip = ip.As16()
	}
	return s
}

// UnixSockaddr is that of a unix socket, whatever its path.
func UnixSockaddr() Sockaddr { return Sockaddr{family: unix.AF_UNIX} }

func sockaddrOf(raw *unix.RawSockaddrAny) Sockaddr {
	s := Sockaddr{family: uint8(raw.Addr.Family)}
	switch raw.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(raw))
		copy(s.ip[:], in.Addr[:])
		s.port = hostOrder(&in.Port)
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(raw))
		s.ip = in.Addr
		s.port = hostOrder(&in.Port)
	}
	return s
}

func hostOrder(port *uint16) uint16 {
	return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(port))[:])
}

// IsUnix reports whether this is a unix socket's address.
func (s Sockaddr) IsUnix() bool { return s.family == unix.AF_UNIX }

// Port returns the port, 0 for a unix socket.
func (s Sockaddr) Port() int { return int(s.port) }

// Addr returns the IP address without zone, the zero Addr for a unix socket.
// An IPv4 address that came over an IPv6 socket stays in its mapped form.
func (s Sockaddr) Addr() netip.Addr {
	switch s.family {
	case unix.AF_INET:
		return netip.AddrFrom4([4]byte(s.ip[:4]))
	case unix.AF_INET6:
		return netip.AddrFrom16(s.ip)
	}
	return netip.Addr{}
}

// Scope is the interface of a link-local IPv6 address that has sent a datagram; 0
// for all others.
func (s Sockaddr) Scope() uint32 { return s.scope }

// WithScope is s with another Scope.
func (s Sockaddr) WithScope(scope uint32) Sockaddr {
	s.scope = scope
	return s
}

// AppendText appends the address without port as nginx's $remote_addr has it:
// "127.0.0.1", "::1", "unix:"; nothing for the zero value. The error is always
// nil.
func (s Sockaddr) AppendText(b []byte) ([]byte, error) {
	switch s.family {
	case unix.AF_INET, unix.AF_INET6:
		return s.Addr().AppendTo(b), nil
	case unix.AF_UNIX:
		return append(b, "unix:"...), nil
	}
	return b, nil
}

// String returns what AppendText appends.
func (s Sockaddr) String() string {
	b, _ := s.AppendText(make([]byte, 0, 40))
	return string(b)
}
