package stream

import (
	"errors"

	"github.com/baton-project/baton/internal/poll"
)

// ErrShutdown is what ends a session when the time for draining is over.
var ErrShutdown = errors.New("shutdown timeout")

// Interrupted reports whether err is what ends a wait without anybody's fault: a
// timeout, or the end of the worker.
func Interrupted(err error) bool {
	return errors.Is(err, ErrShutdown) || errors.Is(err, poll.ErrTimeout) || errors.Is(err, poll.ErrStopped)
}

// A Holder is who has left a session to a tunnel. Its methods are called on any
// goroutine, one at a time.
type Holder interface {
	// Ended is called when the tunnel has ended. It closes the other end, and calls
	// [Session.Finalize].
	Ended(why poll.Ending)
	// Frozen is called when the session is about to move to another worker, perhaps
	// several times. The result goes to the Resumer there.
	Frozen() (state []byte, err error)
	// Thawed is called when it does not move after all.
	Thawed()
	// Moved is called when it has moved. Both sockets are gone; what is left is
	// given back without a word to anybody.
	Moved()
}

// Relay leaves the session to h and t, whose fields are set but for Done, and which
// carries the session's bytes from here on; end 0 is the client's. The result is what
// the handler returns; unless it is Done the worker closes all sessions, and the
// tunnel does not begin.
func (s *Session) Relay(t *poll.Tunnel, h Holder) Result {
	w := s.worker
	w.mu.Lock()
	if w.closing {
		w.mu.Unlock()
		return StatusOK
	}
	s.tunnel, s.holder = t, h
	w.mu.Unlock()
	t.Done = s.relayed
	t.Start()
	w.mu.Lock()
	s.relaying = true
	departs, doom := !s.left && s.departs(), s.doom
	w.mu.Unlock()
	switch {
	case doom != nil:
		t.Stop(doom)
	case departs:
		s.freeze()
	}
	return Done
}

// relayed is called when the tunnel has ended.
func (s *Session) relayed(_ *poll.Tunnel, why poll.Ending) {
	if why.Err != errFrozen {
		s.holder.Ended(why)
		return
	}
	w := s.worker
	w.mu.Lock()
	s.frozen = true
	g := w.giver
	w.mu.Unlock()
	g.push(s)
}

// stop ends the tunnel because of why, even if it is frozen and comes back.
func (s *Session) stop(why error) {
	w := s.worker
	w.mu.Lock()
	s.doom = why
	t, frozen := s.tunnel, s.frozen
	w.mu.Unlock()
	if !frozen && t != nil {
		t.Stop(why)
	}
}

// Awaits notes that the session may be waiting on c as well, until Awaits(nil).
// It reports false when the worker closes all sessions.
func (s *Session) Awaits(c *poll.Conn) bool {
	s.worker.mu.Lock()
	defer s.worker.mu.Unlock()
	s.other = c
	return !s.worker.closing
}

// BytesReceived is how much has come from the client and was passed on.
func (s *Session) BytesReceived() int64 {
	if t := s.Relayed(); t != nil {
		return s.received + t.Moved(0)
	}
	return s.received
}

// BytesSent is how much the client was sent.
func (s *Session) BytesSent() int64 {
	if t := s.Relayed(); t != nil {
		return s.sent + t.Moved(1)
	}
	return s.sent
}

// Count notes bytes that a handler has moved without the tunnel. It is for the
// session's goroutine.
func (s *Session) Count(received, sent int64) {
	s.received += received
	s.sent += sent
}

// Relayed is the tunnel that Relay was given; nil before.
func (s *Session) Relayed() *poll.Tunnel {
	s.worker.mu.Lock()
	defer s.worker.mu.Unlock()
	return s.tunnel
}

// Shared reports whether another process may have copies of the session's sockets:
// who closes one ends the stream first.
func (s *Session) Shared() bool { return s.shared }

// Passes makes p known for lines of the error log; nil ends that.
func (s *Session) Passes(p Passed) { s.passed = p }

// Passed is what Passes was told.
func (s *Session) Passed() Passed { return s.passed }

// Reactor is where the session's sockets are.
func (s *Session) Reactor() *poll.Reactor { return s.worker.reactor }
