package listen

import (
	"fmt"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// inherit finds out what a socket from NGINX= is. A socket that is of no use is
// closed and logged; ok is false then.
func inherit(o *fd.Owned, l *log.Logger) (s *socket, ok bool) {
	n := o.Raw()
	s, err := examine(o)
	if err != nil {
		l.Logf(log.Crit, 0, "the inherited socket #%d is not used: %s", n, err)
		o.Close()
		return nil, false
	}
	return s, true
}

func examine(o *fd.Owned) (*socket, error) {
	n := o.Raw()
	name, err := unix.Getsockname(n)
	if err != nil {
		return nil, log.Failed("getsockname()", err)
	}
	address, err := fromSockaddr(name)
	if err != nil {
		return nil, err
	}
	kind, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return nil, log.Failed("getsockopt(SO_TYPE)", err)
	}
	if kind == unix.SOCK_DGRAM && address.path == "" {
		return examineDatagram(o, address)
	}
	listening, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return nil, log.Failed("getsockopt(SO_ACCEPTCONN)", err)
	}
	if kind != unix.SOCK_STREAM || listening == 0 {
		return nil, fmt.Errorf("%s is not listened on", address)
	}
	return adopted(o, address)
}

// adopted makes o a socket of this process.
func adopted(o *fd.Owned, a Address) (*socket, error) {
	n := o.Raw()
	if err := unix.SetNonblock(n, true); err != nil {
		return nil, log.Failed("fcntl(O_NONBLOCK)", err)
	}
	unix.CloseOnExec(n)
	return &socket{address: a, options: inForce(n), fd: o}, nil
}

// inForce reads those options that decide whether a socket can be used and what
// has to be changed; the kernel does not tell the backlog, and the rest is set
// anew anyway. An option that it cannot tell is off.
func inForce(n int) Options {
	o := DefaultOptions()
	is := func(level, name, value int) bool {
		got, err := unix.GetsockoptInt(n, level, name)
		return err == nil && got == value
	}
	o.ReusePort = is(unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	o.Multipath = is(unix.SOL_SOCKET, unix.SO_PROTOCOL, unix.IPPROTO_MPTCP)
	wait, err := unix.GetsockoptInt(n, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT)
	o.Deferred = err == nil && wait != 0
	return o
}
