package poll

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of this file do not wait in the kernel, so they go around the
// runtime's preparation for a system call that might.

// edgeTriggered is EPOLLET as an unsigned number; unix.EPOLLET is 0x80000000
// with the sign of an int on some architectures.
const edgeTriggered = 1 << 31

func epollCtl(epoll, op, descriptor int, event *unix.EpollEvent) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epoll), uintptr(op), uintptr(descriptor),
		uintptr(unsafe.Pointer(event)), 0, 0)
	return result(errno)
}

// epollPoll is epoll_wait(2) with a timeout so short, in ms, that the runtime
// need not know of it. A signal ends it without an event.
func epollPoll(epoll int, events []unix.EpollEvent, timeout int) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), uintptr(timeout), 0, 0)
	if errno == unix.EINTR {
		return 0, nil
	}
	return int(n), result(errno)
}

func rawRead(descriptor int, b []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(descriptor),
			uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// rawReceive is rawRead of a socket: recv(2) has less to do than read(2), which asks
// of any file.
func rawReceive(descriptor int, b []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(descriptor),
			uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

func rawWrite(descriptor int, b []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(descriptor),
			uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// rawSend never raises SIGPIPE.
func rawSend(descriptor int, b []byte, flags int) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(descriptor),
			uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(flags|unix.MSG_NOSIGNAL), 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// rawSendv is rawSend of several buffers. None of them may be empty.
func rawSendv(descriptor int, vector []unix.Iovec) (int, unix.Errno) {
	var message unix.Msghdr
	message.Iov = unsafe.SliceData(vector)
	message.SetIovlen(len(vector))
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(descriptor),
			uintptr(unsafe.Pointer(&message)), unix.MSG_NOSIGNAL)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

func rawSendfile(descriptor, file int, off, n int64) (int, unix.Errno) {
	sent, _, errno := unix.RawSyscall6(unix.SYS_SENDFILE, uintptr(descriptor), uintptr(file),
		uintptr(unsafe.Pointer(&off)), uintptr(n), 0, 0)
	return int(sent), errno
}

// accept4 returns the new descriptor, non-blocking and close-on-exec, and the
// peer's address.
func accept4(listener int) (int, Sockaddr, unix.Errno) {
	var raw unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&raw)),
		uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, Sockaddr{}, errno
	}
	return int(n), sockaddrOf(&raw), 0
}

func getsockname(descriptor int) (Sockaddr, error) {
	var raw unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	_, _, errno := unix.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(descriptor),
		uintptr(unsafe.Pointer(&raw)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return Sockaddr{}, errno
	}
	return sockaddrOf(&raw), nil
}

func shutdown(descriptor, how int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SHUTDOWN, uintptr(descriptor), uintptr(how), 0)
	return result(errno)
}

// closeDescriptor does not try again after EINTR: Linux has closed by then.
func closeDescriptor(descriptor int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(descriptor), 0, 0)
	return result(errno)
}

// result turns "no error" into nil.
func result(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
