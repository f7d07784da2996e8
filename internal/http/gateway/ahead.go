package gateway

import (
	"errors"
	"io"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"golang.org/x/sys/unix"
)

// ahead is what was read of an answer while the client was slow, so that the
// upstream need not wait: as much as the buffers take in memory, and more in a
// temporary file. What is in the file is older than what is in memory.
type ahead struct {
	memory     *[bodyRoom]byte // nil: nothing was read ahead yet
	start, end int             // what of memory is used
	file       *fd.Owned
	from, to   int64 // what of file is used
	err        error // how reading ended; nil: it goes on
}

// errRoom wakes the one who reads ahead when the client takes bytes again.
var errRoom = errors.New("client has room")

// waiting reports whether something was read ahead.
func (a *ahead) waiting() bool { return a.start < a.end || a.from < a.to }

// Stalled reads ahead while the client takes nothing.
func (x *Exchange) Stalled() bool {
	a := &x.ahead
	if a.err != nil || x.rate > 0 || x.leaves() {
		return false
	}
	r, s := x.Request, x.Pass.Settings
	x.unwatch()
	w := poll.Watch{Other: &x.conn.Conn, Writable: errRoom}
	defer x.watchAgain()
	if r.WatchClient(&w) {
		return true
	}
	until := r.Tick() + r.SendTimeout().Milliseconds()
	for {
		room := x.roomAhead()
		left := until - r.Tick()
		if len(room) == 0 || left <= 0 {
			return false
		}
		x.conn.SetReadTimeout(min(s.ReadTimeout.V, time.Duration(left)*time.Millisecond))
		n, err := x.up.Read(room)
		a.end += n
		if n > 0 {
			x.state().BytesReceived += int64(n)
			x.state().Length += int64(n)
		}
		switch {
		case errors.Is(err, errRoom):
			return true
		case errors.Is(err, poll.ErrTimeout) && time.Duration(left)*time.Millisecond < s.ReadTimeout.V:
			return false // it was the client's time
		case err != nil:
			a.err = err
			return false
		}
	}
}

// watchAgain ends what Stalled has set up.
func (x *Exchange) watchAgain() {
	x.Request.UnwatchClient()
	x.conn.Wake(nil)
	x.conn.SetReadTimeout(x.Pass.Settings.ReadTimeout.V)
	if x.watchClient() {
		x.conn.Wake(errClientGone)
	}
}

// roomAhead is where to read to; empty when no more may be kept.
func (x *Exchange) roomAhead() []byte {
	a, s := &x.ahead, x.Pass.Settings
	if a.memory == nil {
		a.memory = x.Pass.rooms.Get().(*[bodyRoom]byte)
	}
	limit := int(min(int64(s.Buffers.V.Num)*s.Buffers.V.Size, bodyRoom))
	if a.start == a.end {
		a.start, a.end = 0, 0
	}
	if a.end == limit && !x.spill() {
		return nil
	}
	return a.memory[a.end:limit]
}

// spill moves what is in memory to the file.
func (x *Exchange) spill() bool {
	a, s := &x.ahead, x.Pass.Settings
	if a.to+int64(a.end-a.start) > s.MaxTempSize.V {
		return false
	}
	if a.file == nil {
		file, name, err := x.Request.CreateTemp(s.TempPath.V)
		if err != nil {
			x.Request.Logf(log.Crit, "%v", err)
			return false
		}
		_ = unix.Unlink(name) // it is ours, and was made just now
		a.file = file
		x.Request.Logf(log.Warn, "an upstream response is buffered to a temporary file %s", name)
	}
	for a.start < a.end {
		n, err := unix.Pwrite(a.file.Raw(), a.memory[a.start:a.end], a.to)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			x.Request.LogErr(log.Crit, err, "pwrite() failed")
			return false
		}
		a.start, a.to = a.start+n, a.to+int64(n)
	}
	a.start, a.end = 0, 0
	return true
}

// takeAhead gives what was read ahead first.
func (x *Exchange) takeAhead(p []byte) (int, error) {
	a := &x.ahead
	if a.from == a.to {
		n := copy(p, a.memory[a.start:a.end])
		a.start += n
		return n, nil
	}
	for {
		n, err := unix.Pread(a.file.Raw(), p[:min(int64(len(p)), a.to-a.from)], a.from)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.ErrUnexpectedEOF
		}
		if a.from += int64(n); a.from == a.to {
			a.from, a.to = 0, 0 // the file is used from its beginning again
		}
		return n, nil
	}
}

// dropAhead gives back what reading ahead has taken.
func (x *Exchange) dropAhead() {
	a := &x.ahead
	if a.memory != nil {
		x.Pass.rooms.Put(a.memory)
	}
	if a.file != nil {
		_ = a.file.Close() // it has no name, and nobody reads it any more
	}
	*a = ahead{}
}
