package stream

import (
	"errors"
	"os"
	"sync"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
)

// A datagramSocket is one socket of a worker that datagrams of all clients come to.
// They are dealt with on the reactor's goroutine; only the first one of a session
// needs another, which takes the session through the phases.
type datagramSocket struct {
	poll.Port
	worker   *Worker
	listener *Listener
	locals   bool          // the kernel tells to which address a datagram came
	own      poll.Sockaddr // that address otherwise
	out      *answers      // of all sockets of listener
	cookie   uint64        // the kernel's name of it; 0: unknown

	mu       sync.Mutex // guards what follows
	claimed  bool       // no other process reads
	paused   bool       // the sessions are on their way to another process
	stopped  bool       // reads no more
	sessions map[route]*Session
}

// A route is what tells the sessions of one socket apart.
type route struct{ from, to poll.Sockaddr }

// ListenDatagrams serves l on a socket, which is the worker's from here on.
func (w *Worker) ListenDatagrams(l *Listener, socket *fd.Owned) {
	d := &datagramSocket{worker: w, listener: l, locals: l.Spec.Address.Wildcard(),
		own: poll.SockaddrFrom(l.Spec.Address.IP()), sessions: make(map[route]*Session)}
	w.mu.Lock()
	if w.inbox == nil {
		w.inbox = poll.NewInbox()
	}
	for _, other := range w.sockets {
		if other.listener == l {
			d.out = other.out
		}
	}
	if d.out == nil {
		d.out = newAnswers(w.reactor, &d.Port)
	}
	w.sockets = append(w.sockets, d)
	w.receiving++
	w.mu.Unlock()
	w.reactor.AddPort(&d.Port, socket.Take(), d)
	if cookie, err := d.Cookie(); err == nil { // else its sessions do not move
		d.cookie = cookie
	}
	d.begin()
}

// begin starts to read as soon as no other process does.
func (d *datagramSocket) begin() {
	if ok, err := d.TryClaim(); ok || err != nil {
		d.read()
		return
	}
	go func() {
		_ = d.Claim() // without it somebody has to read all the same
		d.read()
	}()
}

func (d *datagramSocket) read() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.claimed = true
	d.update()
	if d.stopped {
		d.Disclaim()
	}
}

// update reads or does not. Needs d.mu.
func (d *datagramSocket) update() {
	err := d.Reading(d.claimed && !d.paused && !d.stopped)
	if err != nil && !errors.Is(err, os.ErrClosed) {
		d.worker.main.env.Logger.Logf(log.Alert, 0, "%v", err)
	}
}

// pause leaves what comes in the socket, or ends that.
func (d *datagramSocket) pause(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.paused = on
	d.update()
}

// stop leaves what comes from now on to another process. It is for the reactor's
// goroutine: what was read has been dealt with.
func (d *datagramSocket) stop() {
	d.mu.Lock()
	again := d.stopped
	d.giveUp()
	d.mu.Unlock()
	if !again {
		d.worker.stopped()
	}
}

// giveUp is stop of who has d.mu, and calls [Worker.stopped] afterwards.
func (d *datagramSocket) giveUp() {
	d.stopped = true
	d.update()
	d.Disclaim()
}

// stopped counts a socket for datagrams that is not read any more.
func (w *Worker) stopped() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.receiving--
	w.left()
}

// close gives the socket up for good. Other processes have it too.
func (d *datagramSocket) close() {
	if o := d.Detach(); o != nil {
		_ = o.Close()
	}
}

// Readable is for the reactor.
func (d *datagramSocket) Readable(*poll.Port) {
	in := d.worker.inbox
	n, err := in.Receive(&d.Port, d.locals)
	if err != nil {
		if err != poll.ErrAgain && !errors.Is(err, os.ErrClosed) {
			d.worker.main.env.Logger.Logf(log.Alert, 0, "recvmsg() failed (%s)", log.ErrText(err))
		}
		return
	}
	for i := range n {
		r := route{in.From(i), d.own}
		if d.locals {
			if local, ok := in.To(i, uint16(d.own.Port())); ok {
				r.to = local
			}
		}
		d.arrived(r, in.Data(i))
	}
}

// arrived takes one datagram to its session.
func (d *datagramSocket) arrived(r route, b []byte) {
	d.mu.Lock()
	s := d.sessions[r]
	d.mu.Unlock()
	if s == nil || !s.dialogue.arrived(s, b) {
		d.open(r, b)
	}
}

// open begins a session with its first datagram.
func (d *datagramSocket) open(r route, b []byte) {
	w := d.worker
	s := w.newSession(d.listener, r.from)
	s.dialogue = &dialogue{socket: d, route: r}
	s.ahead, s.received = append([]byte{}, b...), int64(len(b))
	w.reactor.Join(&s.Conn, s)
	d.mu.Lock()
	d.sessions[r] = s
	d.mu.Unlock()
	if w.admit(s) {
		s.ServeNow()
	}
}

// forget ends the way of the client's datagrams to s.
func (d *datagramSocket) forget(s *Session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := s.dialogue.route; d.sessions[r] == s {
		delete(d.sessions, r)
	}
}

// Writable is for the reactor.
func (d *datagramSocket) Writable(*poll.Port) { d.out.flush() }

// answers are what is to leave to clients of one listener. They leave by one of its
// sockets, whichever they came to. All of it is for the reactor's goroutine.
type answers struct {
	*poll.Outbox
	reactor *poll.Reactor
	leaving bool // at the end of the turn
	atEnd   func()
	sent    func() // waits until everything has left; nil: nothing does
}

func newAnswers(r *poll.Reactor, by *poll.Port) *answers {
	a := &answers{Outbox: poll.NewOutbox(by), reactor: r}
	a.atEnd = func() {
		a.leaving = false
		a.flush()
	}
	return a
}

// flushLater has what was put in leave at the end of the turn.
func (a *answers) flushLater() {
	if !a.leaving {
		a.leaving = true
		a.reactor.Post(a.atEnd)
	}
}

func (a *answers) flush() {
	a.Flush()
	if f := a.sent; f != nil && a.Len() == 0 {
		a.sent = nil
		f()
	}
}

// whenSent flushes, and calls f when everything has left.
func (a *answers) whenSent(f func()) {
	a.sent = f
	a.flush()
}
