package stream

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/variable"
)

// A Worker serves sessions by one compiled configuration on one reactor.
//
//	accept --> session ... ends
//	Drain: nobody new, waits for the last one;  Close: ends them;  Release
type Worker struct {
	main    *Main
	reactor *poll.Reactor
	numbers atomic.Uint64
	beside  []Port // listening sockets of others in the same process

	mu        sync.Mutex // guards what follows
	acceptors []*poll.Acceptor
	sockets   []*datagramSocket
	receiving int         // how many of them have not stopped
	inbox     *poll.Inbox // nil: no socket for datagrams; the reactor's goroutine uses it
	first     *Session    // of all that are open
	open      int
	draining  bool
	closing   bool
	stops     []func()
	giver     *giver        // nil: it does not hand over
	empty     chan struct{} // closed when a draining worker has no session, and gets none

	streams tls.Buffers // of upstreams' ends of sessions that have moved here
}

// acceptPause is how long a worker that has no room leaves the listeners to the
// others: nginx's accept_mutex_delay.
const acceptPause = 500 * time.Millisecond

// Worker makes a worker of m on reactor. m may serve any number of workers.
func (m *Main) Worker(reactor *poll.Reactor) *Worker {
	w := &Worker{main: m, reactor: reactor, empty: make(chan struct{})}
	for _, f := range m.onStart {
		w.stops = append(w.stops, f(reactor.Now))
	}
	return w
}

// Listen accepts connections of l from socket, which is borrowed until
// [Worker.StopAccepting], [Worker.Drain] or [Worker.Close].
func (w *Worker) Listen(l *Listener, socket *fd.Owned) error {
	var self atomic.Pointer[poll.Acceptor] // the first connections may come before Listen returns
	a, err := w.reactor.Listen(socket, func(descriptor int, peer poll.Sockaddr) {
		if w.accept(l, descriptor, peer) {
			return
		}
		if a := self.Load(); a != nil {
			a.Pause(acceptPause)
		}
	}, func(err error) {
		w.main.env.Logger.Logf(log.Crit, 0, "accept4() failed (%s)", log.ErrText(err))
	})
	if err != nil {
		return err
	}
	self.Store(a)
	w.mu.Lock()
	w.acceptors = append(w.acceptors, a)
	w.mu.Unlock()
	return nil
}

// accept takes over a connection just accepted; it reports false when there is
// no room for it, and it was closed.
func (w *Worker) accept(l *Listener, descriptor int, peer poll.Sockaddr) bool {
	s := w.newSession(l, peer)
	w.reactor.Add(&s.Conn, descriptor, s)
	if !w.admit(s) {
		return false
	}
	if s.site.proxied {
		s.Start(s.server.conf.ProxyProtocolTimeout.V)
	} else {
		s.ServeNow()
	}
	return true
}

func (w *Worker) newSession(l *Listener, peer poll.Sockaddr) *Session {
	s := &Session{
		worker: w, listener: l, site: l.own, server: l.own.server, peer: peer, client: peer,
		number: w.numbers.Add(1), began: w.reactor.Tick(), doing: initializing,
	}
	s.makeRoom()
	return s
}

// admit counts s among the open sessions. It reports false when there is no room
// for it, and it was closed.
func (w *Worker) admit(s *Session) bool {
	open := w.enter(s)
	if limit := w.main.env.WorkerConnections; limit > 0 && open > limit {
		w.main.env.Logger.Logf(log.Alert, 0, "%d worker_connections are not enough", limit)
		s.close()
		return false
	}
	s.logConnected()
	return true
}

// makeRoom is for variables.
func (s *Session) makeRoom() {
	if slots := s.worker.main.vars.Slots(); slots > 0 {
		s.vars.Values = make([]variable.Cached, slots)
	}
}

// enter counts s among the open sessions.
func (w *Worker) enter(s *Session) (open int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(s)
	return w.open
}

// add is enter of who has w.mu.
func (w *Worker) add(s *Session) {
	if s.next = w.first; s.next != nil {
		s.next.prev = s
	}
	w.first = s
	w.open++
}

// leave is the opposite of enter.
func (w *Worker) leave(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		w.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next, s.left = nil, nil, true
	w.open--
	w.left()
	w.settled()
}

// left ends a draining worker that has no session. Needs w.mu.
func (w *Worker) left() {
	if !w.draining || w.open > 0 || w.receiving > 0 {
		return
	}
	select {
	case <-w.empty:
	default:
		close(w.empty)
	}
}

// StopAccepting returns when nobody accepts from the sockets of [Worker.Listen]
// any more; they can then be closed. Sockets for datagrams are read until
// [Worker.Drain], or until an heir of [Worker.HandOver] does it. The reactor must be
// running.
func (w *Worker) StopAccepting() { w.onReactor(w.stopAccepting) }

// onReactor returns when f has run on the reactor's goroutine.
func (w *Worker) onReactor(f func()) {
	ran := make(chan struct{})
	w.reactor.Post(func() {
		f()
		close(ran)
	})
	<-ran
}

// stopAccepting is for the reactor's goroutine.
func (w *Worker) stopAccepting() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.acceptors {
		a.Stop()
	}
	w.acceptors = nil
}

// stopReceiving likewise: it leaves all datagrams that come to other processes.
func (w *Worker) stopReceiving() {
	for _, d := range w.receivers() {
		d.stop()
	}
}

// receivers are the sockets for datagrams.
func (w *Worker) receivers() []*datagramSocket {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sockets)
}

// Drain stops accepting, and returns once the last session has ended by itself.
// When ctx ends first the rest is closed. The reactor must be running.
func (w *Worker) Drain(ctx context.Context) error {
	w.StopAccepting()
	w.onReactor(w.stopReceiving)
	w.mu.Lock()
	w.draining = true
	w.left()
	w.mu.Unlock()
	var err error
	select {
	case <-w.empty:
	case <-ctx.Done():
		err = ctx.Err()
		w.Close()
		<-w.empty
	}
	w.reactor.Post(w.closeSockets) // behind what is still to be sent
	return err
}

// closeSockets closes those of datagrams, which sessions needed to the end.
func (w *Worker) closeSockets() {
	w.mu.Lock()
	sockets := w.sockets
	w.sockets = nil
	w.mu.Unlock()
	for _, d := range sockets {
		d.close()
	}
}

// Close closes every session, whatever it is doing.
func (w *Worker) Close() {
	w.reactor.Post(func() {
		w.stopAccepting()
		w.stopReceiving()
		relayed, partners := w.interrupt()
		for _, s := range relayed {
			s.stop(ErrShutdown)
		}
		for _, p := range partners {
			p.Stop(ErrShutdown)
		}
	})
}

// interrupt wakes whatever waits, and returns who is to be stopped.
func (w *Worker) interrupt() (relayed []*Session, partners []Correspondent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draining, w.closing = true, true
	for s := w.first; s != nil; s = s.next {
		if s.tunnel != nil {
			relayed = append(relayed, s)
			continue
		}
		if s.partner != nil {
			partners = append(partners, s.partner)
			continue
		}
		if s.other != nil {
			s.other.Wake(ErrShutdown)
		}
		if w.reactor.Evict(&s.Conn) {
			s.Wake(ErrShutdown)
			s.ServeNow()
		} else {
			s.Wake(ErrShutdown)
		}
	}
	w.left()
	return relayed, partners
}

// Release ends what features run for a worker that has no session any more.
func (w *Worker) Release() {
	w.mu.Lock()
	stops := w.stops
	w.stops = nil
	w.mu.Unlock()
	w.closeSockets()
	for _, f := range stops {
		f()
	}
	for _, r := range w.main.resolvers {
		r.Close()
	}
}

func (w *Worker) isClosing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closing
}
