package poll

import (
	"errors"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An Endpoint is where a connection goes to or comes from: an IP address and
// port, or a unix socket's path. It is comparable; the zero value is nowhere.
type Endpoint struct {
	IP   netip.AddrPort // its zone is not used
	Path string         // not empty: a unix socket
}

// String returns "127.0.0.1:80", "[::1]:80" or "unix:/run/x.sock".
func (e Endpoint) String() string {
	if e.Path != "" {
		return "unix:" + e.Path
	}
	return e.IP.String()
}

// An Outgoing says how to open a connection.
type Outgoing struct {
	To Endpoint
	// From is the own address, if it is valid. With port 0 the kernel chooses
	// the port when it knows the other end, so that ports are not used up; see
	// IP_BIND_ADDRESS_NO_PORT in ip(7). It is not used for a unix socket.
	From netip.AddrPort
	// Transparent lets From be an address that is not this machine's; see
	// IP_TRANSPARENT in ip(7).
	Transparent bool
	// Datagram: the socket is for datagrams, and "connected" means that it sends
	// to one address and hears that one alone. See [Reactor.DialPort].
	Datagram bool
	// Timeout bounds the wait for the other end; zero, or more than 49 days,
	// means no bound.
	Timeout time.Duration
	// Setup, when not nil, is called with the new socket before it is bound, to
	// set options. What it returns is what Dial returns.
	Setup func(descriptor int) error
}

// A DialError says which call of Dial has failed.
type DialError struct {
	Call string // "socket()", "bind(127.0.0.1)", "connect()"
	// Refused: connect(2) failed at once, for which nginx's log names the
	// address too.
	Refused bool
	Err     error
}

// Error returns "connect() failed: connection refused".
func (e *DialError) Error() string { return e.Call + " failed: " + e.Err.Error() }

func (e *DialError) Unwrap() error { return e.Err }

// Dial opens a connection and makes c busy with it, as Add does; c must be
// closed, and is closed again when Dial fails. The calling goroutine is parked
// until the other end has answered.
//
// Errors are a *[DialError] with the [unix.Errno] of a call that failed,
// [ErrTimeout], [ErrStopped], the cause of a Wake, os.ErrClosed when another
// goroutine has closed c meanwhile, and what Setup returned. TCP_NODELAY is set;
// c's timeouts are not.
func (r *Reactor) Dial(c *Conn, out *Outgoing, h Handler) error {
	if r.closed.Load() {
		return ErrStopped
	}
	descriptor, waiting, err := out.connect()
	if err != nil {
		return err
	}
	r.Add(c, descriptor, h)
	// There is hardly anything to read yet. What comes is reported, as soon as
	// somebody waits.
	c.flags.And(^(readable | fresh))
	if waiting {
		err = c.connected(out.Timeout)
	}
	if err != nil {
		c.Close()
		return err
	}
	return nil
}

// DialPort is Dial for datagrams: it opens a socket and adds it as p, which must be
// closed. It does not wait, and nothing tells whether the other end is there.
func (r *Reactor) DialPort(p *Port, out *Outgoing, h PortHandler) error {
	if r.closed.Load() {
		return ErrStopped
	}
	out.Datagram = true
	descriptor, _, err := out.connect()
	if err != nil {
		return err
	}
	r.AddPort(p, descriptor, h)
	return nil
}

// connected waits until the connection is there, or has failed.
func (c *Conn) connected(timeout time.Duration) error {
	c.SetWriteTimeout(timeout)
	err := c.wait(writing)
	c.SetWriteTimeout(0)
	if err != nil {
		return err
	}
	return c.FD(func(descriptor int) error {
		n, err := unix.GetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && n != 0 {
			err = unix.Errno(n)
		}
		if err != nil {
			return &DialError{Call: "connect()", Err: err}
		}
		return nil
	})
}

// connect makes the socket and begins to connect it. waiting: it is not
// connected yet. On failure nothing is left open.
func (out *Outgoing) connect() (descriptor int, waiting bool, err error) {
	family := unix.AF_UNIX
	switch {
	case out.To.Path != "":
	case out.To.IP.Addr().Is4():
		family = unix.AF_INET
	case out.To.IP.Addr().Is6():
		family = unix.AF_INET6
	default:
		return -1, false, errors.New("poll: Dial without an address")
	}
	kind := unix.SOCK_STREAM
	if out.Datagram {
		kind = unix.SOCK_DGRAM
	}
	descriptor, err = unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, false, &DialError{Call: "socket()", Err: err}
	}
	if err = out.prepare(descriptor, family); err == nil {
		err = connect(descriptor, out.To)
	}
	switch {
	case err == nil:
		return descriptor, false, nil
	case err == unix.EINPROGRESS || err == unix.EINTR: // it goes on in the kernel
		return descriptor, true, nil
	}
	_ = closeDescriptor(descriptor) // there is nothing in it that could be lost
	if errno, ok := err.(unix.Errno); ok {
		err = &DialError{Call: "connect()", Refused: true, Err: errno}
	}
	return -1, false, err
}

// prepare sets the options and binds.
func (out *Outgoing) prepare(descriptor, family int) error {
	if family != unix.AF_UNIX && !out.Datagram {
		if err := unix.SetsockoptInt(descriptor, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return &DialError{Call: "setsockopt(TCP_NODELAY)", Err: err}
		}
	}
	if out.Setup != nil {
		if err := out.Setup(descriptor); err != nil {
			return err
		}
	}
	if family == unix.AF_UNIX || !out.From.IsValid() {
		return nil
	}
	if out.Transparent {
		level, option, name := unix.SOL_IP, unix.IP_TRANSPARENT, "setsockopt(IP_TRANSPARENT)"
		if family == unix.AF_INET6 {
			level, option, name = unix.SOL_IPV6, unix.IPV6_TRANSPARENT, "setsockopt(IPV6_TRANSPARENT)"
		}
		if err := unix.SetsockoptInt(descriptor, level, option, 1); err != nil {
			return &DialError{Call: name, Err: err}
		}
	}
	if out.Datagram && out.From.Port() != 0 { // several sessions may use that port
		if err := unix.SetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return &DialError{Call: "setsockopt(SO_REUSEADDR)", Err: err}
		}
	}
	if out.From.Port() == 0 {
		// An old kernel does not know it, and binds to a port of its choice.
		_ = unix.SetsockoptInt(descriptor, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}
	var raw unix.RawSockaddrAny
	size := rawIP(&raw, out.From)
	if _, _, errno := unix.RawSyscall(unix.SYS_BIND, uintptr(descriptor), uintptr(unsafe.Pointer(&raw)), size); errno != 0 {
		return &DialError{Call: "bind(" + out.boundName() + ")", Err: errno}
	}
	return nil
}

// boundName is the own address as nginx's log has it: without a port that is 0.
func (out *Outgoing) boundName() string {
	if out.From.Port() == 0 {
		return out.From.Addr().String()
	}
	return out.From.String()
}

// connect is connect(2), which does not wait: the socket is non-blocking. The
// error is a [unix.Errno].
func connect(descriptor int, to Endpoint) error {
	var raw unix.RawSockaddrAny
	var size uintptr
	if to.Path == "" {
		size = rawIP(&raw, to.IP)
	} else {
		un := (*unix.RawSockaddrUnix)(unsafe.Pointer(&raw))
		if len(to.Path) >= len(un.Path) {
			return unix.ENAMETOOLONG
		}
		un.Family = unix.AF_UNIX
		for i := range len(to.Path) {
			un.Path[i] = int8(to.Path[i])
		}
		size = unsafe.Offsetof(un.Path) + uintptr(len(to.Path)) + 1
	}
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(descriptor), uintptr(unsafe.Pointer(&raw)), size)
	return result(errno)
}

// rawIP fills in the kernel's form of an address and returns its size.
func rawIP(raw *unix.RawSockaddrAny, p netip.AddrPort) uintptr {
	port := [2]byte{byte(p.Port() >> 8), byte(p.Port())}
	if ip := p.Addr(); ip.Is4() {
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(raw))
		in.Family, in.Addr = unix.AF_INET, ip.As4()
		*(*[2]byte)(unsafe.Pointer(&in.Port)) = port
		return unix.SizeofSockaddrInet4
	}
	in := (*unix.RawSockaddrInet6)(unsafe.Pointer(raw))
	in.Family, in.Addr = unix.AF_INET6, p.Addr().As16()
	*(*[2]byte)(unsafe.Pointer(&in.Port)) = port
	return unix.SizeofSockaddrInet6
}
