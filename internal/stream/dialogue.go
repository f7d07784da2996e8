package stream

import (
	"sync"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/poll"
)

// A Correspondent is a handler that goes on with a session of datagrams.
type Correspondent interface {
	// Arrived is called with each datagram of the client; b is the caller's
	// afterwards. It runs on the reactor's goroutine, or on that which called
	// Correspond, and must not wait.
	Arrived(b []byte)
	// Begin is called when the client's datagrams that have come so far were passed:
	// now the session may rest.
	Begin()
	// Stop ends the session for a reason of the worker's.
	Stop(cause error)
	// Freeze is called when the session is about to move to another worker, perhaps
	// several times. Nothing is read or sent from here on. It returns the other socket;
	// nil when the session has ended.
	Freeze() *fd.Owned
	// Frozen is what the CorrespondentMaker there gets.
	Frozen() (state []byte, waits Waiting, err error)
	// Thaw goes on with the socket that Freeze has returned: it does not move after all.
	Thaw(socket *fd.Owned)
	// Moved is called when it has moved. The socket is gone; what is left is given back
	// without a word to anybody.
	Moved()
	// Sending is told of replies that could not be sent.
	poll.Sending
}

// Waiting is for how long a session waits for the next datagram, and has done so.
type Waiting struct{ Timeout, Quiet time.Duration }

// A CorrespondentMaker goes on with a session of datagrams that another worker has
// had; state is what the Correspondent there has returned from Frozen. It returns who
// takes over, with the socket; nil: the route is gone.
type CorrespondentMaker func(s *Session, state []byte, waits Waiting, socket *fd.Owned) Correspondent

// What comes before the handler takes it is kept, up to these bounds.
const (
	maxEarly      = 64
	maxEarlyBytes = 256 << 10
)

// A dialogue is what a session of datagrams has in the place of a connection.
type dialogue struct {
	socket *datagramSocket
	route  route

	mu      sync.Mutex // guards what follows
	unbound bool       // what comes now is another session's
	with    Correspondent
	early   [][]byte
	bytes   int // of early
}

// arrived is called on the reactor's goroutine. It reports false when the datagram
// is not for s.
func (d *dialogue) arrived(s *Session, b []byte) bool {
	d.mu.Lock()
	with := d.with
	if d.unbound {
		d.mu.Unlock()
		return false
	}
	if with == nil && len(d.early) < maxEarly && d.bytes+len(b) <= maxEarlyBytes {
		d.early = append(d.early, append([]byte{}, b...))
		d.bytes += len(b)
		s.Report(poll.Input)
	}
	d.mu.Unlock()
	if with != nil {
		with.Arrived(b)
	}
	return true
}

// takeEarly returns what came before a handler was ready. When that is nothing,
// with is the one that takes the rest.
func (d *dialogue) takeEarly(with Correspondent) [][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	early := d.early
	d.early, d.bytes = nil, 0
	if len(early) == 0 {
		d.with = with
	}
	return early
}

// nextEarly is the next datagram that came early; ok is false when there is none,
// and a report of Input will tell when there is.
func (d *dialogue) nextEarly(s *Session) (b []byte, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.early) == 0 {
		s.Consumed(poll.Input)
		return nil, false
	}
	b = d.early[0]
	d.early = d.early[1:]
	d.bytes -= len(b)
	return b, true
}

// Datagrams reports whether the client sends datagrams.
func (s *Session) Datagrams() bool { return s.dialogue != nil }

// Correspond has c take the client's datagrams from here on, with those that have
// come meanwhile. It reports false when the worker closes all sessions.
func (s *Session) Correspond(c Correspondent) bool {
	s.worker.mu.Lock()
	closing := s.worker.closing
	s.partner = c
	s.worker.mu.Unlock()
	if closing {
		return false
	}
	for early := s.dialogue.takeEarly(c); len(early) > 0; early = s.dialogue.takeEarly(c) {
		for i, b := range early {
			if s.dialogue.isUnbound() {
				s.dialogue.pass(early[i:])
				break
			}
			c.Arrived(b)
		}
	}
	s.Consumed(poll.Input)
	c.Begin()
	s.worker.mu.Lock()
	defer s.worker.mu.Unlock()
	s.relaying = true
	s.worker.settled()
	return true
}

// Reply is room for a datagram to the client, on the reactor's goroutine; nil when
// the socket cannot take it. See SendReply.
func (s *Session) Reply() []byte { return s.dialogue.socket.out.Room() }

// SendReply sends the first n bytes of what Reply has returned, at the end of the
// turn, and counts them.
func (s *Session) SendReply(n int, c Correspondent) {
	d := s.dialogue
	d.socket.out.Put(n, s.peer, d.from(), c)
	d.socket.out.flushLater()
	s.sent += int64(n)
}

// from is the address that replies are sent from; zero for the socket's own.
func (d *dialogue) from() poll.Sockaddr {
	if d.socket.locals {
		return d.route.to
	}
	return poll.Sockaddr{}
}

// Unbind makes the next datagram of the client begin a session of its own.
func (s *Session) Unbind() {
	d := s.dialogue
	d.socket.forget(s)
	d.mu.Lock()
	early := d.early
	d.unbound, d.early = true, nil
	d.mu.Unlock()
	d.pass(early)
}

func (d *dialogue) isUnbound() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.unbound
}

// pass leaves datagrams that were meant for d, which is unbound, to other sessions
// of the client.
func (d *dialogue) pass(early [][]byte) {
	if len(early) == 0 {
		return
	}
	w := d.socket.worker
	w.reactor.Post(func() {
		for _, b := range early {
			if !w.isClosing() {
				d.socket.arrived(d.route, b)
			}
		}
	})
}

// Read waits for a datagram. With Write it is the client's bytes for who does not
// care about datagrams.
func (d *datagrams) Read(b []byte) (int, error) {
	for {
		if early, ok := d.dialogue.nextEarly((*Session)(d)); ok {
			return copy(b, early), nil
		}
		if err := d.AwaitInput(); err != nil {
			return 0, err
		}
	}
}

// Write sends a datagram.
func (d *datagrams) Write(b []byte) (int, error) {
	if err := d.dialogue.socket.SendTo(b, d.peer, d.dialogue.from()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// datagrams is a Session as a stream of bytes.
type datagrams Session
