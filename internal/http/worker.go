package http

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/metrics"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/wire/h1"
)

// A Worker serves connections by one compiled configuration on one reactor.
type Worker struct {
	main    *Main
	reactor *poll.Reactor

	draining  atomic.Bool
	date      atomic.Pointer[dateText]
	exchanges sync.Pool // of *exchange
	bodyRooms sync.Pool // of *bodyRoom
	pieces    sync.Pool // of *[pieceSize]byte
	frames    sync.Pool // of *[h2InSize]byte
	frameOuts sync.Pool // of *[]byte, empty ones
	largeOuts sync.Pool // of *[h2LargeSize]byte
	h2Streams sync.Pool // of *h2Stream
	numbers   atomic.Uint64
	stats     *metrics.Counters // in the board, if there is one
	stops     []func()          // of what runs as long as it accepts
	birth     int64             // of the reactor's ticks on the machine's monotonic clock, in ms
	// tempNumbers names temporary files.
	tempNumbers atomic.Uint32
	settling    atomic.Int64 // connections on their way to rest; see Conn.settle

	giver     atomic.Pointer[giver] // of a worker that hands over while it drains
	receiving atomic.Int64          // old workers that may still hand over to this one
	freezing  sync.Mutex            // guards freezable and woken of connections
	recent    recentFiles

	guests map[string]handover.Kind // of others; see Host

	mu        sync.Mutex // guards what follows
	acceptors []*poll.Acceptor
	tunnels   map[*Tunnel]struct{}
	empty     chan struct{} // closed when a draining worker has no connection
	receivers map[*handover.Receiver]struct{}
	patience  *time.Timer // ends receiving in a worker that has nothing else to do

	streams tls.Buffers // of upstreams' ends of tunnels that have moved here
}

// dateText is the Date header of one second.
type dateText struct {
	second int64
	text   string
}

// errDraining wakes what still waits when the time for draining is over.
var errDraining = errors.New("worker is shutting down")

// acceptPause is how long a worker that has no room leaves the listeners to
// the others: nginx's accept_mutex_delay.
const acceptPause = 500 * time.Millisecond

// Worker makes a worker of m on reactor. m may serve any number of workers.
func (m *Main) Worker(reactor *poll.Reactor) *Worker {
	w := &Worker{main: m, reactor: reactor, empty: make(chan struct{})}
	w.stats = w.counters()
	w.birth = monotonic() - reactor.Tick()
	w.recent.seed = maphash.MakeSeed()
	w.bodyRooms.New = func() any { return new(bodyRoom) }
	w.exchanges.New = func() any { return newExchange(m.vars.slots) }
	w.h2Streams.New = func() any { return newH2Stream(m.vars.slots) }
	w.frames.New = func() any { return new([h2InSize]byte) }
	w.largeOuts.New = func() any { return new([h2LargeSize]byte) }
	w.frameOuts.New = func() any {
		b := make([]byte, 0, h2OutSize)
		return &b
	}
	w.beginBeside()
	return w
}

// Listen accepts connections of l from socket, which is borrowed until
// [Worker.Drain] or [Worker.Close].
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
		w.log(log.Crit, "accept4() failed ("+log.ErrText(err)+")")
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
	w.stats.Accepted.Add(1)
	open := w.stats.Active.Add(1)
	c := &Conn{worker: w, listener: l, site: l.own, peer: peer, number: w.numbers.Add(1), accepted: w.reactor.Tick()}
	c.setDebug()
	if c.debug {
		c.debugAccept(descriptor)
	}
	w.reactor.Add(&c.Conn, descriptor, c)
	if limit := w.main.env.WorkerConnections; limit > 0 && open > int64(limit) {
		w.main.env.Logger.Logf(log.Alert, 0, "%d worker_connections are not enough", limit)
		c.close(false)
		return false
	}
	w.stats.Handled.Add(1)
	c.Start(l.own.server.conf.HeaderTimeout.V)
	return true
}

// StopAccepting returns when nobody accepts from the sockets of [Worker.Listen]
// any more; they can then be closed. The reactor must be running.
func (w *Worker) StopAccepting() {
	stopped := make(chan struct{})
	w.reactor.Post(func() {
		w.stopAccepting()
		close(stopped)
	})
	<-stopped
}

// Drain stops accepting, closes connections between two requests, lets the
// others finish the request they are in, and returns once none is left. When
// ctx ends first the rest is closed.
func (w *Worker) Drain(ctx context.Context) error {
	w.draining.Store(true)
	w.main.drained()
	w.endBeside()
	w.StopAccepting()
	w.reactor.Post(w.closeIdle)
	select {
	case <-w.empty:
		return nil
	case <-ctx.Done():
	}
	w.Close()
	<-w.empty
	return ctx.Err()
}

// closeIdle closes the connections between two requests. It runs on the
// reactor's goroutine.
func (w *Worker) closeIdle() {
	if w.settling.Load() != 0 {
		w.reactor.Post(w.closeIdle) // they did not know yet that they may not rest
		return
	}
	w.reactor.Each(func(p *poll.Conn) {
		switch c := p.Handler().(type) {
		case *Conn:
			if c.worker == w && w.reactor.Evict(p) {
				c.dismiss()
			}
		case *h2Conn:
			if c.c.worker == w {
				c.drain()
			}
		}
	})
	w.left()
}

// Close closes every connection, whatever it is doing; what waits is woken and
// closes itself.
func (w *Worker) Close() {
	w.draining.Store(true)
	w.main.drained()
	w.endBeside()
	w.reactor.Post(func() {
		w.stopAccepting()
		w.closeReceivers()
		w.reactor.Each(func(p *poll.Conn) {
			if h, ok := p.Handler().(*h2Conn); ok && h.c.worker == w {
				h.kill()
				return
			}
			c, mine := p.Handler().(*Conn)
			switch {
			case !mine || c.worker != w:
			case w.reactor.Evict(p):
				c.close(false)
			default:
				c.Wake(errDraining)
			}
		})
		w.stopTunnels()
		w.left()
	})
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

// left notes that a connection may have been the last one of a draining worker.
func (w *Worker) left() {
	if !w.draining.Load() || w.stats.Active.Load() > 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stats.Active.Load() > 0 {
		return // one came by Take just now
	}
	if w.receiving.Load() > 0 {
		w.awaitGivers()
		return
	}
	select {
	case <-w.empty:
	default:
		close(w.empty)
		for _, c := range w.main.caches {
			c.close()
		}
		w.recent.close()
		w.main.closeResolvers()
	}
}

func (w *Worker) log(level log.Level, text string) { w.main.env.Logger.Log(level, 0, text) }

// dateNow is the Date header; it is formatted once a second.
func (w *Worker) dateNow() string {
	now := w.reactor.Now().Unix()
	d := w.date.Load()
	if d == nil || d.second != now {
		d = &dateText{now, string(h1.AppendDate(nil, now))}
		w.date.Store(d)
	}
	return d.text
}
