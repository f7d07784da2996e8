package poll

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// A Stream is the bytes of one end of a [Tunnel]: a [Conn], or what stands between
// one and the other end, such as TLS.
type Stream interface {
	// TryRead returns [ErrAgain] when nothing can be read without waiting. It
	// must have been called until then before the Conn is at rest again.
	TryRead(b []byte) (int, error)
	// Write writes all of b and may wait.
	Write(b []byte) (int, error)
}

// An End is one of the two ends of a [Tunnel].
type End struct {
	Conn *Conn
	// Stream is nil when the bytes are the Conn's own.
	Stream Stream
	// Timeout is how long nothing may come from here while nothing comes from
	// the other end either; zero: for ever.
	Timeout time.Duration
	// Rate bounds how much is read from here, in bytes per second; zero: as much as
	// there is. Piece is then the most of one read; zero: some kB.
	Rate  int64
	Piece int
}

// A Tunnel carries bytes between two Conns in both directions until one of them
// ends. While nothing comes both are at rest: there is no goroutine and no buffer.
// What comes from an end is written to the other one by the goroutine that read
// it, which waits for room if need be; large amounts move by splice(2).
//
// A Tunnel must not be copied. Its fields are set before Start and not changed.
type Tunnel struct {
	Ends [2]End
	// HalfClose: when one end will send no more, that is passed on, and the
	// tunnel goes on until the other end has come to that point as well.
	HalfClose bool
	// Pending is what another tunnel had read from each end and not written. Unless
	// it is nil both ends are looked at without anything having come.
	Pending [2][]byte
	// Quiet is for how long nothing has come through another tunnel that this one
	// goes on with: as much of the timeouts has passed.
	Quiet time.Duration
	// First, if it is not nil, is called by the goroutine that serves an end when
	// the other one has got the first bytes from there.
	First func(t *Tunnel, side int)
	// Shut is an end that sends no more, as another tunnel with HalfClose has seen
	// and passed on. At most one is.
	Shut [2]bool
	// Paced is where another tunnel was with ends that have a Rate; nil: nowhere.
	Paced *[2]Paced
	// Done is called once, on any goroutine, when the tunnel has ended: both
	// Conns are busy and its own again, and it must close them. It is not called
	// when the Reactor was closed before.
	Done func(t *Tunnel, why Ending)

	last  atomic.Int64    // tick when bytes came
	moved [2]atomic.Int64 // bytes from each end that the other one got
	first [2]atomic.Int64 // tick when the first of them came

	mu     sync.Mutex // guards what follows
	ended  bool
	why    Ending
	gone   [2]bool    // the end is no more served and not at rest
	shut   [2]bool    // ... because it sends no more
	unsent *[2][]byte // nil: nothing
	paces  *[2]pace   // nil: no end has a Rate
}

// Ending says why a tunnel has ended.
type Ending struct {
	// Side is the end whose Conn it was: 0 or 1.
	Side int
	// Writing: it could not be written to.
	Writing bool
	// Err is [io.EOF], [ErrTimeout], what Stop was called with, or an error of
	// reading or writing.
	Err error
}

// Start begins. Both Conns are busy and the caller's, and no more after this.
// Their write timeouts apply.
func (t *Tunnel) Start() {
	t.last.Store(t.Ends[0].Conn.Reactor().Tick() - t.Quiet.Milliseconds())
	t.mu.Lock()
	t.gone, t.shut = t.Shut, t.Shut
	t.paceAll()
	t.mu.Unlock()
	for i := range t.Ends {
		e := &t.Ends[i]
		if e.Stream == nil {
			e.Stream = e.Conn
		}
		e.Conn.SetHandler(t)
	}
	for i := range t.Ends {
		switch {
		case t.Shut[i]:
		case t.waits(i) > 0:
			t.leavePaced(i, t.waits(i))
		case t.Pending[i] != nil:
			t.Ends[i].Conn.ServeNow()
		default:
			timeout := t.Ends[i].Timeout
			if timeout > 0 {
				timeout = max(timeout-t.Quiet, time.Millisecond)
			}
			t.leave(i, timeout)
		}
	}
}

// Restart begins again after Done, as if Stop had not been called. Pending is to be
// what Unsent has returned, and both Conns are as they were, or were taken out of the
// reactor and added again.
func (t *Tunnel) Restart() {
	t.mu.Lock()
	t.Quiet, t.Shut = t.Idle(), t.shut
	if t.paces != nil {
		t.Paced = &[2]Paced{t.paced(0), t.paced(1)}
	}
	t.ended, t.why, t.unsent = false, Ending{}, nil
	t.mu.Unlock()
	t.Start()
}

// Idle returns for how long nothing has come from either end. Any goroutine may call
// it.
func (t *Tunnel) Idle() time.Duration {
	return time.Duration(t.Ends[0].Conn.Reactor().Tick()-t.last.Load()) * time.Millisecond
}

// Stop ends the tunnel for a reason of the caller's, from any goroutine. It does
// not wait for Done, which it may call itself.
func (t *Tunnel) Stop(cause error) {
	if t.end(Ending{Err: cause}, -1) {
		t.Done(t, t.why)
	}
}

// HalfClosed reports whether an end had sent all that it would send, and the other
// one was told. It is for Done.
func (t *Tunnel) HalfClosed(side int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.shut[side]
}

// Moved returns how many bytes from an end the other one got. Any goroutine may
// call it.
func (t *Tunnel) Moved(side int) int64 { return t.moved[side].Load() }

// FirstAt returns the tick when the other end had got the first bytes from an end; 0
// when there were none. Any goroutine may call it.
func (t *Tunnel) FirstAt(side int) int64 { return t.first[side].Load() }

// Unsent returns what had been read from an end and could not be written to the
// other one any more when Stop ended the tunnel. It is for Done.
func (t *Tunnel) Unsent(side int) []byte {
	if t.unsent == nil {
		return nil
	}
	return t.unsent[side]
}

func (t *Tunnel) side(c *Conn) int {
	if c == t.Ends[0].Conn {
		return 0
	}
	return 1
}

// Serve is for the Reactor.
func (t *Tunnel) Serve(c *Conn) {
	side := t.side(c)
	why, over := t.relay(side)
	switch {
	case !over:
	case t.HalfClose && why.Err == io.EOF:
		if t.halfClose(side) {
			t.Done(t, t.why)
		}
		return
	default:
		if t.end(why, side) {
			t.Done(t, t.why)
		}
		return
	}
	if wait := t.waits(side); wait > 0 {
		t.leavePaced(side, wait)
		return
	}
	t.leave(side, t.Ends[side].Timeout)
}

// Expire is for the Reactor.
func (t *Tunnel) Expire(c *Conn) {
	side := t.side(c)
	idle := time.Duration(c.Reactor().Tick()-t.last.Load()) * time.Millisecond
	if left := t.Ends[side].Timeout - idle; left > 0 {
		t.leave(side, left)
		return
	}
	if t.end(Ending{Side: side, Err: ErrTimeout}, side) {
		t.Done(t, t.why)
	}
}

// leave puts an end to rest, unless the tunnel has ended.
func (t *Tunnel) leave(side int, timeout time.Duration) {
	t.mu.Lock()
	if !t.ended {
		t.Ends[side].Conn.Rest(timeout)
		t.mu.Unlock()
		return
	}
	done := t.goes(side)
	t.mu.Unlock()
	if done {
		t.Done(t, t.why)
	}
}

// stopped reports whether the tunnel has ended.
func (t *Tunnel) stopped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

// goes notes that nobody serves an end any more, and reports whether that was the
// last thing to wait for. Needs t.mu.
func (t *Tunnel) goes(side int) (done bool) {
	t.gone[side] = true
	if !t.gone[0] || !t.gone[1] {
		return false
	}
	t.ended = true
	for i := range t.Ends {
		t.Ends[i].Conn.Wake(nil)
	}
	return true
}

// end stops what is going on. The end with the number mine is served by the
// caller; -1: none is. It reports whether Done is to be called now.
func (t *Tunnel) end(why Ending, mine int) (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.ended, t.why = true, why
		for i := range t.Ends {
			c := t.Ends[i].Conn
			c.Wake(errEnded)
			if i != mine && (c.Reactor().Evict(c) || t.stopPause(i)) {
				done = t.goes(i)
			}
		}
	}
	if mine >= 0 {
		done = t.goes(mine)
	}
	return done
}

// halfClose passes on that an end will send no more.
func (t *Tunnel) halfClose(side int) (done bool) {
	other := &t.Ends[1-side]
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended && !t.gone[1-side] {
		if c, ok := other.Stream.(interface{ ShutdownWrite() error }); ok {
			// When it fails, so does the next read from there.
			_ = c.ShutdownWrite()
		}
	}
	if !t.ended {
		t.why = Ending{Side: side, Err: io.EOF}
		t.shut[side] = true
	}
	return t.goes(side)
}

// errEnded wakes who waits inside a tunnel that has ended.
var errEnded = errors.New("tunnel has ended")
