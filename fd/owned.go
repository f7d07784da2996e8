package fd

import (
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Owned is one open descriptor with one owner. The zero value owns nothing and
// behaves as if it were closed. It may be used from several goroutines, but it
// is the owner alone who decides when it is closed.
type Owned struct {
	n atomic.Int32 // the descriptor plus one, so that zero means "none"
}

// New takes ownership of the open descriptor n. Nobody else may close n from
// here on.
func New(n int) *Owned {
	o := new(Owned)
	o.n.Store(int32(n) + 1)
	return o
}

// Put takes ownership of the open descriptor n, as [New] does, for an Owned that
// is part of a larger value. o must be empty.
func (o *Owned) Put(n int) {
	if !o.n.CompareAndSwap(0, int32(n)+1) {
		panic("fd: Put into an Owned that is not empty")
	}
}

// Raw lends the number, for a system call made right now. It is -1 when the
// descriptor is closed or was given away. Keeping the number past the owner's
// Close is the mistake that this package exists to prevent.
func (o *Owned) Raw() int {
	return int(o.n.Load()) - 1
}

// Close closes the descriptor. A second Close, or a Close after [Owned.Take],
// does nothing and returns [os.ErrClosed].
func (o *Owned) Close() error {
	n := o.Take()
	if n < 0 {
		return os.ErrClosed
	}
	return unix.Close(n)
}

// Take gives up ownership and returns the number, which is the caller's to
// close from now on; -1 when there was nothing to take.
func (o *Owned) Take() int {
	return int(o.n.Swap(0)) - 1
}

// Dup returns a second descriptor of the same open file, close-on-exec, owned
// by the caller.
func (o *Owned) Dup() (*Owned, error) {
	n, err := unix.FcntlInt(uintptr(o.Raw()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("fcntl(F_DUPFD_CLOEXEC) failed: %w", err)
	}
	return New(n), nil
}

// File turns the descriptor into an [os.File] named name, which owns it from
// here on; o is left empty. The file uses Go's poller when the descriptor is in
// non-blocking mode, which is left as it is. It returns nil when o is closed.
func (o *Owned) File(name string) *os.File {
	n := o.Take()
	if n < 0 {
		return nil
	}
	return os.NewFile(uintptr(n), name)
}

// FromFile returns a descriptor of its own for the file that f has open. f
// stays open and stays the caller's. The file's blocking mode is not touched,
// as (*os.File).Fd would do for every process that shares the file.
func FromFile(f *os.File) (*Owned, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	n, dupErr := -1, error(nil)
	err = raw.Control(func(p uintptr) {
		n, dupErr = unix.FcntlInt(p, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil {
		err = dupErr
	}
	if err != nil {
		return nil, fmt.Errorf("fcntl(F_DUPFD_CLOEXEC) of %s failed: %w", f.Name(), err)
	}
	return New(n), nil
}
