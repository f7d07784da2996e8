package poll

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Read waits until bytes are there and reads what fits into b. At the end of
// the stream it returns [io.EOF]. Other errors are [ErrTimeout], the cause of
// Wake, [ErrStopped], [os.ErrClosed], or a [unix.Errno] such as ECONNRESET.
func (c *Conn) Read(b []byte) (int, error) {
	for {
		n, err := c.TryRead(b)
		if err != ErrAgain {
			return n, err
		}
		if err := c.wait(reading); err != nil {
			return 0, err
		}
	}
}

// TryRead is Read that returns [ErrAgain] instead of waiting.
func (c *Conn) TryRead(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	had := c.flags.And(^(readable | fresh))
	if had&readable == 0 {
		return 0, c.notReady()
	}
	n, errno := rawReceive(int(c.descriptor), b)
	switch {
	case errno == unix.EAGAIN:
		if had&fresh != 0 {
			c.reactor.eager.Store(-startsAtRest)
		}
		return 0, ErrAgain
	case errno != 0:
		c.flags.Or(readable) // the next Read fails too instead of waiting
		return 0, errno
	case n == 0:
		c.flags.Or(readable)
		return 0, io.EOF
	case n == len(b) || c.flags.Load()&ended != 0:
		c.flags.Or(readable)
	}
	return n, nil
}

// notReady tells a Conn that would wait from a closed one.
func (c *Conn) notReady() error {
	if c.reactor == nil || c.descriptor < 0 {
		return os.ErrClosed
	}
	return ErrAgain
}

// Write writes all of b, waiting for room as often as need be. On failure it
// returns how much went out. Errors are those of Read except [io.EOF], and EPIPE
// when the peer is gone.
func (c *Conn) Write(b []byte) (int, error) { return c.writeAll(b, 0) }

// WriteMore is Write of bytes that more will follow at once: TCP may keep the
// last incomplete segment until then.
func (c *Conn) WriteMore(b []byte) (int, error) { return c.writeAll(b, unix.MSG_MORE) }

func (c *Conn) writeAll(b []byte, flags int) (sent int, err error) {
	for sent < len(b) {
		n, err := c.try(b[sent:], flags)
		sent += n
		if err == ErrAgain || err == nil && sent < len(b) {
			err = c.wait(writing)
		}
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// TryWrite writes what there is room for. It returns [ErrAgain] when that is
// less than all of b.
func (c *Conn) TryWrite(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := c.try(b, 0)
	if err == nil && n < len(b) {
		err = ErrAgain
	}
	return n, err
}

func (c *Conn) try(b []byte, flags int) (int, error) {
	if err := c.notReady(); err != ErrAgain {
		return 0, err
	}
	c.roomUsed()
	n, errno := rawSend(int(c.descriptor), b, flags)
	return written(n, errno)
}

// roomUsed clears writable before a call that may fill the socket: when it
// does, only a report that comes after this is worth another try.
func (c *Conn) roomUsed() {
	if c.flags.Load()&writable != 0 {
		c.flags.And(^writable)
	}
}

func written(n int, errno unix.Errno) (int, error) {
	switch errno {
	case 0:
		return n, nil
	case unix.EAGAIN:
		return 0, ErrAgain
	}
	return 0, errno
}

// Writev is Write of several buffers as if they were one. bufs and what it
// refers to are not changed.
func (c *Conn) Writev(bufs [][]byte) (sent int64, err error) {
	if err := c.notReady(); err != ErrAgain {
		return 0, err
	}
	skip := 0 // bytes of bufs[0] that are sent
	for {
		for len(bufs) > 0 && len(bufs[0]) == skip {
			bufs, skip = bufs[1:], 0
		}
		if len(bufs) == 0 {
			return sent, nil
		}
		n, all, err := c.tryv(bufs, skip)
		sent += int64(n)
		if err == ErrAgain || err == nil && n < all {
			err = c.wait(writing)
		}
		if err != nil {
			return sent, err
		}
		for n > 0 {
			if left := len(bufs[0]) - skip; n < left {
				skip += n
				break
			} else {
				n -= left
				bufs, skip = bufs[1:], 0
			}
		}
	}
}

// TryWritev is Writev that does not wait: it returns [ErrAgain] when less than all
// was written. There must not be more than 32 buffers.
func (c *Conn) TryWritev(bufs [][]byte) (int, error) {
	if err := c.notReady(); err != ErrAgain {
		return 0, err
	}
	n, all, err := c.tryv(bufs, 0)
	if err == nil && n < all {
		err = ErrAgain
	}
	return n, err
}

// maxVector is how many buffers one system call takes.
const maxVector = 32

// tryv writes the first buffers of bufs, less skip bytes. all is what it tried
// to write.
func (c *Conn) tryv(bufs [][]byte, skip int) (n, all int, err error) {
	var room [maxVector]unix.Iovec
	vector := room[:0]
	for _, b := range bufs {
		b, skip = b[skip:], 0
		if len(b) == 0 {
			continue
		}
		if len(vector) == maxVector {
			break
		}
		v := unix.Iovec{Base: &b[0]}
		v.SetLen(len(b))
		vector = append(vector, v)
		all += len(b)
	}
	c.roomUsed()
	n, errno := rawSendv(int(c.descriptor), vector)
	n, err = written(n, errno)
	return n, all, err
}
