package listen

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// socketMode is what everybody may do with a unix socket, as in nginx.
const socketMode = 0o666

// A socket is one listening socket, shared by the sets of the cycles that
// listen on its address.
type socket struct {
	address Address
	options Options // as they are in force
	fd      *fd.Owned
	made    bool // a unix socket whose file this process made
}

// open makes a listening socket. join sets SO_REUSEPORT though the options do
// not ask for it, so that it can be bound beside one that listens already. The
// error wraps EADDRINUSE if that is the reason.
func open(want Spec, join bool, l *log.Logger) (*socket, error) {
	if want.Options.Replace {
		removeSocket(want.Address)
	}
	o, err := bind(want, join, l)
	if err != nil {
		return nil, err
	}
	s := &socket{address: want.Address, options: want.Options, fd: o, made: want.Address.path != ""}
	if s.address.datagram {
		s.apply(want.Options, l)
		return s, nil
	}
	if mode := want.Options.fileMode(); s.made && mode >= 0 {
		if err := os.Chmod(want.Address.path, fs.FileMode(mode)); err != nil {
			l.Log(log.Emerg, 0, log.Failed(fmt.Sprintf("chmod() \"%s\"", want.Address.path), err).Error())
		}
	}
	if want.Options.Deferred {
		s.setDeferred(true, l)
	}
	s.apply(want.Options, l)
	if err := unix.Listen(o.Raw(), want.Options.Backlog); err != nil {
		s.close(true, l)
		return nil, log.Failed(fmt.Sprintf("listen() to %s, backlog %d", want.Address, want.Options.Backlog), err)
	}
	return s, nil
}

// fileMode is the mode of a unix socket's file, -1 to leave it.
func (o *Options) fileMode() int {
	if o.Mode == 0 {
		return socketMode
	}
	return o.Mode
}

// removeSocket removes the file of a unix socket; what else may be there makes
// bind(2) fail.
func removeSocket(a Address) {
	if info, err := os.Lstat(a.path); a.path != "" && err == nil && info.Mode()&fs.ModeSocket != 0 {
		_ = os.Remove(a.path) // bind(2) will tell
	}
}

// bind makes a non-blocking socket and binds it.
func bind(want Spec, join bool, l *log.Logger) (*fd.Owned, error) {
	a := want.Address
	protocol := 0
	if want.Options.Multipath {
		protocol = unix.IPPROTO_MPTCP
	}
	n, err := unix.Socket(a.family(), a.kind()|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, log.Failed(fmt.Sprintf("socket() %s", a), err)
	}
	o := fd.New(n)
	if err := prepare(n, want, join, l); err != nil {
		o.Close()
		return nil, err
	}
	if err := unix.Bind(n, a.sockaddr()); err != nil {
		o.Close()
		return nil, log.Failed(fmt.Sprintf("bind() to %s", a), err)
	}
	return o, nil
}

// prepare sets what has to be set before bind(2).
func prepare(n int, want Spec, join bool, l *log.Logger) error {
	a := want.Address
	if !a.datagram { // of which it would let several be bound to one address
		if err := unix.SetsockoptInt(n, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return log.Failed(fmt.Sprintf("setsockopt(SO_REUSEADDR) %s", a), err)
		}
	}
	if want.Options.ReusePort || join {
		if err := setReusePort(n, true); err != nil {
			return log.Failed(fmt.Sprintf("setsockopt(SO_REUSEPORT) %s", a), err)
		}
	}
	if a.family() == unix.AF_INET6 {
		only := 0
		if want.Options.IPv6Only {
			only = 1
		}
		if err := unix.SetsockoptInt(n, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			ignored(l, log.Emerg, fmt.Sprintf("setsockopt(IPV6_V6ONLY) %s", a), err)
		}
	}
	return nil
}

func setReusePort(n int, on bool) error {
	value := 0
	if on {
		value = 1
	}
	return unix.SetsockoptInt(n, unix.SOL_SOCKET, unix.SO_REUSEPORT, value)
}

// ignored logs a failure that changes little.
func ignored(l *log.Logger, level log.Level, call string, err error) {
	l.Logf(level, 0, "%s failed, ignored (%s)", call, log.ErrText(err))
}

// close closes the socket; with unlink set it removes a unix socket's file.
func (s *socket) close(unlink bool, l *log.Logger) {
	if err := s.fd.Close(); err != nil {
		l.Log(log.Emerg, 0, log.Failed(fmt.Sprintf("close() socket %s", s.address), err).Error())
	}
	if !unlink || s.address.path == "" {
		return
	}
	if err := os.Remove(s.address.path); err != nil {
		l.Log(log.Emerg, 0, log.Failed(fmt.Sprintf("unlink() %s", s.address.path), err).Error())
	}
}

// probe reports why the address could not be listened on, and leaves no trace.
// An address in use is no reason: it may well be our own server's.
func probe(want Spec, l *log.Logger) error {
	if want.Address.path != "" {
		return probePath(want.Address)
	}
	want.Options.ReusePort = false
	o, err := bind(want, false, l)
	if isInUse(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return o.Close()
}

// probePath looks whether a file could be made, instead of making it.
func probePath(a Address) error {
	_, err := os.Lstat(a.path)
	if err == nil {
		return nil // in use
	}
	if os.IsNotExist(err) {
		err = unix.Access(filepath.Dir(a.path), unix.W_OK|unix.X_OK)
	}
	if err == nil {
		return nil
	}
	if path, ok := err.(*fs.PathError); ok {
		err = path.Err
	}
	return log.Failed(fmt.Sprintf("bind() to %s", a), err)
}
