package listen

import (
	"fmt"
	"time"

	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// apply sets those options of a socket that can be changed at any time. What is
// left to the kernel stays as it was. Failures are logged and ignored, as nginx
// does.
func (s *socket) apply(o Options, l *log.Logger) {
	set := func(level, name int, text string, value int) {
		if err := unix.SetsockoptInt(s.fd.Raw(), level, name, value); err != nil {
			ignored(l, log.Alert, fmt.Sprintf("setsockopt(%s, %d) %s", text, value, s.address), err)
		}
	}
	if o.RcvBuf >= 0 {
		set(unix.SOL_SOCKET, unix.SO_RCVBUF, "SO_RCVBUF", o.RcvBuf)
	}
	if o.SndBuf >= 0 {
		set(unix.SOL_SOCKET, unix.SO_SNDBUF, "SO_SNDBUF", o.SndBuf)
	}
	if s.address.datagram {
		s.tellLocal(l)
		return
	}
	switch o.KeepAlive.Mode {
	case KeepAliveOn:
		set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, "SO_KEEPALIVE", 1)
	case KeepAliveOff:
		set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, "SO_KEEPALIVE", 0)
	}
	if n := seconds(o.KeepAlive.Idle); n != 0 {
		set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, "TCP_KEEPIDLE", n)
	}
	if n := seconds(o.KeepAlive.Interval); n != 0 {
		set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, "TCP_KEEPINTVL", n)
	}
	if o.KeepAlive.Count != 0 {
		set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, "TCP_KEEPCNT", o.KeepAlive.Count)
	}
	if o.FastOpen >= 0 {
		set(unix.IPPROTO_TCP, unix.TCP_FASTOPEN, "TCP_FASTOPEN", o.FastOpen)
	}
	if s.address.path == "" {
		// Accepted sockets inherit it: one call less for each connection.
		set(unix.IPPROTO_TCP, unix.TCP_NODELAY, "TCP_NODELAY", 1)
	}
}

func seconds(d time.Duration) int {
	n, _ := number(int64(d/time.Second), nil)
	return n
}

// change brings a socket that goes on listening to new options. Connections in
// its queue stay there.
func (s *socket) change(o Options, l *log.Logger) {
	s.apply(o, l)
	if s.address.datagram {
		s.options = o
		return
	}
	if o.Backlog != s.options.Backlog {
		if err := unix.Listen(s.fd.Raw(), o.Backlog); err != nil {
			ignored(l, log.Alert, fmt.Sprintf("listen() to %s, backlog %d", s.address, o.Backlog), err)
		}
	}
	if o.Deferred != s.options.Deferred {
		s.setDeferred(o.Deferred, l)
	}
	s.options = o
}

// setDeferred sets how long the kernel waits for data before it gives a
// connection away: 1 second as in nginx, since nobody knows how long it was in
// the queue already.
func (s *socket) setDeferred(on bool, l *log.Logger) {
	value := 0
	if on {
		value = 1
	}
	if err := unix.SetsockoptInt(s.fd.Raw(), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, value); err != nil {
		ignored(l, log.Alert, fmt.Sprintf("setsockopt(TCP_DEFER_ACCEPT, %d) for %s", value, s.address), err)
	}
}

// setReusePort changes SO_REUSEPORT of a socket that listens.
func (s *socket) setReusePort(on bool, l *log.Logger) (ok bool) {
	if err := setReusePort(s.fd.Raw(), on); err != nil {
		ignored(l, log.Alert, fmt.Sprintf("setsockopt(SO_REUSEPORT) %s", s.address), err)
		return false
	}
	return true
}
