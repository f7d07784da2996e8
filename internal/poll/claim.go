package poll

import (
	"io"

	"golang.org/x/sys/unix"
)

// Several processes may have one datagram socket, and which of them reads it
// matters: the sessions are in one. The right to read is a lock of fcntl(2) on the
// whole socket. It belongs to a process, not to the descriptor, and the kernel
// gives it to the next one that waits when its holder lets go of it, closes the
// socket or dies. A process that does not ask for it, such as a real nginx, reads
// as ever.

// TryClaim claims the right to read p. It reports false when another process has
// it. Any error means that the kernel has no such locks here.
func (p *Port) TryClaim() (ok bool, err error) {
	err = p.FD(func(descriptor int) error { return setLock(descriptor, unix.F_SETLK, unix.F_WRLCK) })
	if err == unix.EAGAIN || err == unix.EACCES {
		return false, nil
	}
	return err == nil, err
}

// Claim waits until it has claimed the right to read p, for which it keeps a thread
// of its own. When p is closed meanwhile the right is given back by the kernel.
func (p *Port) Claim() error {
	descriptor := -1
	if err := p.FD(func(n int) error { descriptor = n; return nil }); err != nil {
		return err
	}
	for {
		if err := setLock(descriptor, unix.F_SETLKW, unix.F_WRLCK); err != unix.EINTR {
			return err
		}
	}
}

// Disclaim gives the right to read p to whoever waits for it.
func (p *Port) Disclaim() {
	_ = p.FD(func(descriptor int) error { // it may be closed, or not be ours
		return setLock(descriptor, unix.F_SETLK, unix.F_UNLCK)
	})
}

func setLock(descriptor, command int, kind int16) error {
	return unix.FcntlFlock(uintptr(descriptor), command, &unix.Flock_t{Type: kind, Whence: io.SeekStart})
}
