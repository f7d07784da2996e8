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

// Relay makes t, which was not started, the tunnel that carries the session's
// bytes; end 0 is the client's. It reports false when the worker closes all
// sessions.
func (s *Session) Relay(t *poll.Tunnel) bool {
	s.worker.mu.Lock()
	defer s.worker.mu.Unlock()
	if s.worker.closing {
		return false
	}
	s.tunnel = t
	return true
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
	if t := s.relay(); t != nil {
		return s.received + t.Moved(0)
	}
	return s.received
}

// BytesSent is how much the client was sent.
func (s *Session) BytesSent() int64 {
	if t := s.relay(); t != nil {
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

func (s *Session) relay() *poll.Tunnel {
	s.worker.mu.Lock()
	defer s.worker.mu.Unlock()
	return s.tunnel
}

// Passes makes p known for lines of the error log; nil ends that.
func (s *Session) Passes(p Passed) { s.passed = p }

// Passed is what Passes was told.
func (s *Session) Passed() Passed { return s.passed }

// Reactor is where the session's sockets are.
func (s *Session) Reactor() *poll.Reactor { return s.worker.reactor }
