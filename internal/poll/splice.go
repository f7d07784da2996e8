package poll

import (
	"io"

	"golang.org/x/sys/unix"
)

// A SpliceError is an error of Splice between taking bytes and sending them.
type SpliceError struct {
	// Unsent is what was taken from one Conn and not sent to the other. It is
	// nil when that cannot take bytes any more anyway.
	Unsent []byte
	Err    error
}

// Error returns what Err does.
func (e *SpliceError) Error() string { return e.Err.Error() }

func (e *SpliceError) Unwrap() error { return e.Err }

// Splice moves n bytes, or with n < 0 all there are, from one Conn to c, without
// reading them into memory: as a Read of from and a Write of c by the calling
// goroutine. It waits for bytes without holding anything, and keeps a pipe of the
// reactor while it waits for room.
//
// It returns how many bytes c got, less than n only with an error. The errors of
// reading are those of Read, [io.EOF] included; those of writing come as a
// *[SpliceError]. So when Wake stops it, no byte is lost.
func (c *Conn) Splice(from *Conn, n int64) (moved int64, err error) {
	for n < 0 || moved < n {
		m, err := c.TrySplice(from, n-moved)
		moved += m
		if err == ErrAgain {
			err = from.wait(reading)
		}
		if err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// TrySplice is Splice of what is there, at most a pipe full: instead of waiting
// for bytes it returns [ErrAgain]. For room in c it waits.
func (c *Conn) TrySplice(from *Conn, n int64) (moved int64, err error) {
	if err := c.notReady(); err != ErrAgain {
		return 0, err
	}
	if had := from.flags.And(^(readable | fresh)); had&readable == 0 {
		return 0, from.notReady()
	}
	p, err := c.reactor.takePipe()
	if err != nil {
		from.flags.Or(readable)
		return 0, err
	}
	want := p.size
	if n >= 0 && n < int64(want) {
		want = int(n)
	}
	taken, errno := rawSplice(int(from.descriptor), p.in.Raw(), want)
	switch {
	case errno == unix.EAGAIN:
		err = ErrAgain
	case errno != 0:
		err = errno
	case taken == 0:
		err = io.EOF
	}
	if err != ErrAgain {
		from.flags.Or(readable) // more may be there, or the next read fails too
	}
	if taken > 0 {
		moved, err = c.drain(p, taken)
	}
	if err == nil || taken <= 0 {
		c.reactor.givePipe(p)
	}
	return moved, err
}

// drain sends the n bytes that are in p. When it fails, p is closed.
func (c *Conn) drain(p *pipe, n int) (moved int64, err error) {
	for n > 0 {
		c.roomUsed()
		m, errno := rawSplice(p.out.Raw(), int(c.descriptor), n)
		switch {
		case errno == unix.EAGAIN:
			err = c.wait(writing)
		case errno != 0:
			err = errno
		default:
			moved += int64(m)
			n -= m
			continue
		}
		if err != nil {
			e := &SpliceError{Err: err}
			if errno == unix.EAGAIN {
				e.Unsent = p.read(n)
			}
			p.close()
			return moved, e
		}
	}
	return moved, nil
}

// read takes n bytes out of the pipe, which has as many.
func (p *pipe) read(n int) []byte {
	b := make([]byte, n)
	got := 0
	for got < n {
		m, errno := rawRead(p.out.Raw(), b[got:])
		if errno != 0 || m == 0 {
			break
		}
		got += m
	}
	return b[:got]
}

// rawSplice never waits: the pipe and the socket are non-blocking.
func rawSplice(from, to, n int) (int, unix.Errno) {
	for {
		m, _, errno := unix.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n),
			unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if errno != unix.EINTR {
			if errno != 0 {
				return 0, errno
			}
			return int(m), 0
		}
	}
}
