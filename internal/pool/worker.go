package pool

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
)

// readSize is how much is read at once, and the size up to which a request is
// looked at as a whole.
const readSize = 64 << 10

// A Worker serves the pools of a Main on one reactor.
type Worker struct {
	main     *Main
	reactor  *poll.Reactor
	number   atomic.Uint64
	draining atomic.Bool

	mu    sync.Mutex // guards what follows, and all clients and links
	pools []*livePool
	buf   [readSize]byte // of whoever reads
	now   int64          // tick of the present turn

	dirtyLinks   []*link
	flushing     bool // flush is on its way
	flushPosted  func()
	dirtyClients []*client
	spares       spares
	timer        *time.Timer
	timerDue     int64 // tick; 0: not set
	clients      int
	slow         slowLog
	acceptors    []*poll.Acceptor
	giver        *giver
	ended        bool
	killed       bool          // no client may go on
	empty        chan struct{} // closed when a draining worker has no client
}

// Worker makes a worker of m on reactor. The memory of m's zones is mapped.
func (m *Main) Worker(reactor *poll.Reactor) *Worker {
	w := &Worker{main: m, reactor: reactor, empty: make(chan struct{})}
	w.flushPosted = w.flush
	w.timer = time.AfterFunc(time.Hour, w.sweep)
	w.timer.Stop()
	w.spares.trim = time.AfterFunc(time.Hour, w.trim)
	w.spares.trim.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = reactor.Tick()
	for _, conf := range m.Pools {
		p := newLivePool(w, conf)
		w.pools = append(w.pools, p)
		p.preconnect()
	}
	return w
}

// Listen accepts from socket, which is borrowed until Drain or Close.
func (w *Worker) Listen(l *Listener, socket *fd.Owned) error {
	var p *livePool
	if l.pool != nil {
		p = w.pools[l.index]
	}
	a, err := w.reactor.Listen(socket, func(descriptor int, _ poll.Sockaddr) {
		if p == nil {
			w.answerStats(descriptor)
			return
		}
		w.accept(p, descriptor)
	}, func(err error) {
		w.main.logger.Log(log.Crit, 0, "accept4() failed ("+log.ErrText(err)+")")
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.acceptors = append(w.acceptors, a)
	w.mu.Unlock()
	return nil
}

// accept takes over a connection just accepted.
func (w *Worker) accept(p *livePool, descriptor int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.newClient(p)
	w.reactor.Add(&c.Conn, descriptor, c)
	if limit := p.conf.ClientConnections; limit > 0 && p.board.clients() > int64(limit) {
		c.close()
		return
	}
	c.Start(0)
}

// newClient counts a client that is about to be added to the reactor.
func (w *Worker) newClient(p *livePool) *client {
	c := &client{worker: w, pool: p, number: w.number.Add(1)}
	w.clients++
	p.board.client(1)
	return c
}

// left notes that a client may have been the last one. Needs w.mu.
func (w *Worker) left() {
	if w.draining.Load() && w.clients == 0 && !w.ended {
		w.ended = true
		w.closeLinks()
		close(w.empty)
	}
}

// StopAccepting returns when nobody accepts any more. The reactor must be
// running.
func (w *Worker) StopAccepting() {
	stopped := make(chan struct{})
	w.reactor.Post(func() {
		w.mu.Lock()
		w.stopAccepting()
		w.mu.Unlock()
		close(stopped)
	})
	<-stopped
}

// stopAccepting needs w.mu, on the reactor's goroutine.
func (w *Worker) stopAccepting() {
	for _, a := range w.acceptors {
		a.Stop()
	}
	w.acceptors = nil
}

// Close closes every connection at once.
func (w *Worker) Close() {
	w.draining.Store(true)
	w.reactor.Post(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.killed = true
		w.stopAccepting()
		w.reactor.Each(func(p *poll.Conn) {
			switch c := p.Handler().(type) {
			case *client:
				if c.worker == w {
					c.kill()
				}
			case *statsConn:
				if w.reactor.Evict(p) {
					_ = p.Close() // who asked is told no more
				}
			}
		})
		w.left()
	})
}

// closeLinks needs w.mu.
func (w *Worker) closeLinks() {
	w.timer.Stop()
	w.spares.trim.Stop()
	for _, p := range w.pools {
		p.close()
	}
}

// flush sends what the turn has brought to servers and to clients.
func (w *Worker) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushing = false
	w.now = w.reactor.Tick()
	for i := 0; i < len(w.dirtyLinks); i++ { // a failing link may add others
		l := w.dirtyLinks[i]
		l.dirty = false
		l.flush()
	}
	clear(w.dirtyLinks)
	w.dirtyLinks = w.dirtyLinks[:0]
	w.flushClients()
	for _, p := range w.pools {
		p.board.publish()
	}
}

// flushLater makes flush run at the end of the turn. Needs w.mu.
func (w *Worker) flushLater() {
	if !w.flushing {
		w.flushing = true
		w.reactor.Post(w.flushPosted)
	}
}

// flushClients sends replies. Needs w.mu.
func (w *Worker) flushClients() {
	for i := 0; i < len(w.dirtyClients); i++ { // one that goes on may become dirty again
		c := w.dirtyClients[i]
		c.dirty = false
		c.flush()
	}
	clear(w.dirtyClients)
	w.dirtyClients = w.dirtyClients[:0]
}

// stallBound is how long others wait for a client that does not read, when its
// pool has no timeout.
const stallBound = 2000 // ms

// due makes sweep run at that tick or before. Needs w.mu.
func (w *Worker) due(tick int64) {
	if w.timerDue != 0 && w.timerDue <= tick {
		return
	}
	w.timerDue = tick
	w.timer.Reset(time.Duration(max(tick-w.reactor.Tick(), 1)) * time.Millisecond)
}

// sweep looks after requests that wait for too long.
func (w *Worker) sweep() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timerDue = 0
	w.now = w.reactor.Tick()
	for _, p := range w.pools {
		p.watch()
		for _, s := range p.servers {
			for _, l := range s.all() {
				l.expire()
			}
		}
	}
	w.flushLater()
}
