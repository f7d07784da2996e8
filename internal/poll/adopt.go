package poll

import (
	"fmt"
	"unsafe"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// Inspect makes sure that o, which came from another process, is a connected
// stream socket, puts it into non-blocking mode, and returns its two addresses.
func Inspect(o *fd.Owned) (local, peer Sockaddr, err error) {
	kind, err := socketType(o.Raw())
	if err != nil {
		return local, peer, fmt.Errorf("getsockopt(SO_TYPE) failed: %w", err)
	}
	if kind != unix.SOCK_STREAM {
		return local, peer, fmt.Errorf("not a stream socket: %w", unix.EPROTOTYPE)
	}
	if local, err = getsockname(o.Raw()); err != nil {
		return local, peer, fmt.Errorf("getsockname() failed: %w", err)
	}
	if peer, err = getpeername(o.Raw()); err != nil && err != unix.ENOTCONN {
		return local, peer, fmt.Errorf("getpeername() failed: %w", err)
	}
	if err := setNonblock(o.Raw()); err != nil {
		return local, peer, fmt.Errorf("fcntl(O_NONBLOCK) failed: %w", err)
	}
	return local, peer, nil
}

// InspectDatagrams is Inspect for a datagram socket that is connected; it tells no
// addresses.
func InspectDatagrams(o *fd.Owned) error {
	kind, err := socketType(o.Raw())
	if err != nil {
		return fmt.Errorf("getsockopt(SO_TYPE) failed: %w", err)
	}
	if kind != unix.SOCK_DGRAM {
		return fmt.Errorf("not a datagram socket: %w", unix.EPROTOTYPE)
	}
	if err := setNonblock(o.Raw()); err != nil {
		return fmt.Errorf("fcntl(O_NONBLOCK) failed: %w", err)
	}
	return nil
}

func socketType(descriptor int) (kind int, err error) {
	var value int32
	size := uint32(unsafe.Sizeof(value))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(descriptor), unix.SOL_SOCKET, unix.SO_TYPE,
		uintptr(unsafe.Pointer(&value)), uintptr(unsafe.Pointer(&size)), 0)
	return int(value), result(errno)
}

// setNonblock changes nothing for a socket that another reactor had.
func setNonblock(descriptor int) error {
	flags, _, errno := unix.RawSyscall(unix.SYS_FCNTL, uintptr(descriptor), unix.F_GETFL, 0)
	if errno == 0 && flags&unix.O_NONBLOCK == 0 {
		_, _, errno = unix.RawSyscall(unix.SYS_FCNTL, uintptr(descriptor), unix.F_SETFL, flags|unix.O_NONBLOCK)
	}
	return result(errno)
}

// ServeNow hands a busy Conn to Serve on a goroutine of the reactor's, whether
// there is anything to read or not. It must be the last thing that the owner
// does with c.
func (c *Conn) ServeNow() { c.reactor.enqueue(c) }

// ShutdownBoth ends both sides of the stream for every process that has the
// socket.
func (c *Conn) ShutdownBoth() error {
	return c.FD(func(descriptor int) error { return shutdown(descriptor, unix.SHUT_RDWR) })
}

func getpeername(descriptor int) (Sockaddr, error) {
	var raw unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	_, _, errno := unix.RawSyscall(unix.SYS_GETPEERNAME, uintptr(descriptor),
		uintptr(unsafe.Pointer(&raw)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return Sockaddr{}, errno
	}
	return sockaddrOf(&raw), nil
}
