package upstream

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"golang.org/x/sys/unix"
)

// Expected reports whether an error number of a connection is the network's, not
// ours: nginx logs the others as alert.
func Expected(errno unix.Errno) bool {
	switch errno {
	case unix.ECONNREFUSED, unix.ECONNRESET, unix.EPIPE, unix.ENOTCONN, unix.ETIMEDOUT, unix.ENETDOWN, unix.ENETUNREACH,
		unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.EAGAIN, unix.ECONNABORTED:
		return true
	}
	return false
}

// A DialFailure is what a log says of a connection that could not be opened.
type DialFailure struct {
	Level log.Level
	Text  string // "connect() to 127.0.0.1:80 failed"
	Errno error  // what stands behind it
	// Ours: no other peer would do better.
	Ours bool
}

// Describe tells what err, an error of Dial to the peer with that name, means; ok
// is false when it is none of a system call's.
func Describe(err error, name string) (f DialFailure, ok bool) {
	var dial *poll.DialError
	if !errors.As(err, &dial) {
		return DialFailure{}, false
	}
	f = DialFailure{Level: log.Error, Text: dial.Call + " failed", Errno: dial.Err, Ours: dial.Call != "connect()"}
	if errno, is := dial.Err.(unix.Errno); is && !Expected(errno) {
		f.Level = log.Alert
		if dial.Refused || strings.HasPrefix(dial.Call, "bind(") {
			f.Level = log.Crit
		}
	}
	if dial.Refused && !f.Ours {
		f.Text = "connect() to " + name + " failed"
	}
	return f, true
}

// SocketOptions are those of a connection to an upstream; zero leaves the
// kernel's.
type SocketOptions struct {
	Keepalive                 bool
	ReceiveBuffer, SendBuffer int64 // bytes
}

// Setup is for [poll.Outgoing].
func (o *SocketOptions) Setup(descriptor int) error {
	for _, b := range []struct {
		option int
		value  int64
		name   string
	}{{unix.SO_RCVBUF, o.ReceiveBuffer, "SO_RCVBUF"}, {unix.SO_SNDBUF, o.SendBuffer, "SO_SNDBUF"}} {
		if b.value == 0 {
			continue
		}
		if err := unix.SetsockoptInt(descriptor, unix.SOL_SOCKET, b.option, int(b.value)); err != nil {
			return &poll.DialError{Call: "setsockopt(" + b.name + ")", Err: err}
		}
	}
	if !o.Keepalive {
		return nil
	}
	if err := unix.SetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); err != nil {
		return &poll.DialError{Call: "setsockopt(SO_KEEPALIVE)", Err: err}
	}
	return nil
}

// ParseLocal reads the address of a *_bind directive: an IP address with or
// without a port.
func ParseLocal(text string) (netip.AddrPort, error) {
	if ip, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.AddrPortFrom(ip, 0), nil
	}
	return netip.ParseAddrPort(text)
}
