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
	out      *poll.Outbox  // to clients; the reactor's goroutine alone
	leaving  bool          // flush is on its way; likewise
	flush    func()

	mu       sync.Mutex // guards what follows
	stopped  bool       // reads no more
	sessions map[route]*Session
}

// A route is what tells the sessions of one socket apart.
type route struct{ from, to poll.Sockaddr }

// ListenDatagrams serves l on a socket, which is the worker's from here on.
func (w *Worker) ListenDatagrams(l *Listener, socket *fd.Owned) {
	d := &datagramSocket{worker: w, listener: l, locals: l.Spec.Address.Wildcard(),
		own: poll.SockaddrFrom(l.Spec.Address.IP()), sessions: make(map[route]*Session)}
	d.out = poll.NewOutbox(&d.Port)
	d.flush = func() {
		d.leaving = false
		d.out.Flush()
	}
	w.mu.Lock()
	if w.inbox == nil {
		w.inbox = poll.NewInbox()
	}
	w.sockets = append(w.sockets, d)
	w.mu.Unlock()
	w.reactor.AddPort(&d.Port, socket.Take(), d)
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
	if d.stopped {
		d.Disclaim()
		return
	}
	if err := d.Reading(true); err != nil && !errors.Is(err, os.ErrClosed) {
		d.worker.main.env.Logger.Logf(log.Alert, 0, "%v", err)
	}
}

// stop leaves what comes from now on to another process. It is for the reactor's
// goroutine: what was read has been dealt with.
func (d *datagramSocket) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	_ = d.Reading(false) // it may be closed
	d.Disclaim()
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
func (d *datagramSocket) Writable(*poll.Port) { d.out.Flush() }

// flushLater has what was put into out leave at the end of the turn.
func (d *datagramSocket) flushLater() {
	if !d.leaving {
		d.leaving = true
		d.worker.reactor.Post(d.flush)
	}
}
