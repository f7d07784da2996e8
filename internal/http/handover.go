package http

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/poll"
)

// An Heirs is a set of new workers that a draining one may give connections to.
type Heirs struct {
	Senders []*handover.Sender
	Instead bool // nothing goes to earlier sets any more
	Lent    bool // somebody else uses the senders too, and closes them
}

// A Tally is how a handover went.
type Tally struct {
	Moved  map[string]int // connections by what they were doing
	Stayed map[string]int // by the reason
	Took   time.Duration  // until the last one had moved
}

// What a connection was doing that has moved, in reports.
const (
	movedIdle     = "idle"
	movedNew      = "new"
	movedBusy     = "busy"
	movedDownload = "downloading"
)

// A giver gives the connections of a draining worker to its heirs.
//
//	at rest --Evict--> frozen --offer--> offered --ack--> closed here
//	busy ----settle----^  ^ |               |
//	                      | +-- no heir ----+--> thawed: stays, and closes after
//	                      +---- heir gone --+            the next answer
type giver struct {
	worker *Worker
	wake   chan struct{} // holds a token when frozen has become longer
	active atomic.Bool   // there are heirs, as far as is known

	mu      sync.Mutex // guards what follows
	frozen  []*Conn
	tally   Tally
	begun   time.Time
	tick    int64   // of begun
	resting []*Conn // what may be at rest; taken from the end

	// The goroutine of give alone:
	senders []*handover.Sender // those that offer
	all     []*handover.Sender
	turn    int
	lent    bool      // see Heirs.Lent
	tunnels []*Tunnel // guarded by mu
}

// errFrozen wakes a call that waits on a connection that is to move.
var errFrozen = errors.New("connection is frozen")

// HandOver is [Worker.Drain] for a worker whose heirs come by that channel: it
// offers them every connection that comes to rest. It returns when no connection
// is left, or ctx ends and the rest is closed, and what has come of it.
func (w *Worker) HandOver(ctx context.Context, heirs <-chan Heirs) (Tally, error) {
	g := &giver{worker: w, wake: make(chan struct{}, 1), begun: time.Now(), tick: w.reactor.Tick(),
		tally: Tally{Moved: map[string]int{}, Stayed: map[string]int{}}}
	select {
	case h := <-heirs:
		g.adopt(h)
	default:
	}
	w.giver.Store(g)
	w.draining.Store(true)
	w.main.drained()
	w.StopAccepting()
	w.reactor.Post(g.look)
	err := g.give(ctx, heirs)
	if err != nil {
		w.Close()
		<-w.empty
	}
	if !g.lent {
		for _, s := range g.all {
			_ = s.Close() // nothing that came back is open any more
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tally, err
}

// look makes the list of connections that may be at rest, and wakes those that
// wait somewhere they can be frozen. It runs on the reactor's goroutine.
func (g *giver) look() {
	w := g.worker
	if w.settling.Load() != 0 {
		w.reactor.Post(g.look) // they did not know yet that they may not rest
		return
	}
	var found []*Conn
	w.reactor.Each(func(p *poll.Conn) {
		switch c := p.Handler().(type) {
		case *Conn:
			if c.worker == w {
				found = append(found, c)
				c.freeze()
			}
		case *h2Conn:
			if c.c.worker == w {
				c.drain() // its streams end here
			}
		}
	})
	w.mu.Lock()
	tunnels := slices.Collect(maps.Keys(w.tunnels))
	w.mu.Unlock()
	g.mu.Lock()
	g.resting = append(g.resting, found...)
	g.tunnels = append(g.tunnels, tunnels...)
	g.mu.Unlock()
	g.signal()
	w.left()
}

func (g *giver) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// push takes a frozen connection, which is the giver's from here on.
func (g *giver) push(c *Conn) {
	g.mu.Lock()
	g.frozen = append(g.frozen, c)
	g.mu.Unlock()
	g.signal()
}

// give offers until no connection is left.
func (g *giver) give(ctx context.Context, heirs <-chan Heirs) error {
	for {
		select {
		case h, ok := <-heirs:
			if !ok {
				heirs = nil
				continue
			}
			g.adopt(h)
			g.worker.reactor.Post(g.look)
		case <-ctx.Done():
			return ctx.Err()
		case <-g.worker.empty:
			return nil
		default:
			batch := g.gather()
			if len(batch) > 0 {
				g.offer(batch)
				continue
			}
			if g.stopTunnels() {
				continue
			}
			select {
			case <-g.wake:
			case h, ok := <-heirs:
				if !ok {
					heirs = nil
					continue
				}
				g.adopt(h)
				g.worker.reactor.Post(g.look)
			case <-ctx.Done():
				return ctx.Err()
			case <-g.worker.empty:
				return nil
			}
		}
	}
}

// adopt begins to use other heirs.
func (g *giver) adopt(h Heirs) {
	if h.Instead {
		g.dismissSenders()
	}
	g.lent = h.Lent
	g.senders = append(g.senders, h.Senders...)
	g.all = append(g.all, h.Senders...)
	g.active.Store(len(g.senders) > 0)
}

// dismissSenders ends the senders when everything they offered is answered. A
// channel over which something came back stays open to the end of the process:
// its end would tell the heir to take that after all.
func (g *giver) dismissSenders() {
	for _, s := range g.senders {
		s.Settle()
		if g.lent {
			continue
		}
		select {
		case <-s.Ended():
		default:
			_ = s.Close() // nothing is unanswered: it is only a descriptor
		}
	}
	g.senders, g.turn = nil, 0
}

// gather returns the connections of the next offer: first those that wait
// frozen, then some from their rest. Each waits for no more than the offers on
// their way.
func (g *giver) gather() []*Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.frozen), handover.MaxRecords)
	batch := append([]*Conn(nil), g.frozen[:n]...)
	g.frozen = append(g.frozen[:0], g.frozen[n:]...)
	if n > 0 || len(g.senders) == 0 {
		return batch
	}
	size := max(1, min(handover.MaxRecords, len(g.resting)/(4*len(g.senders))))
	for len(batch) < size && len(g.resting) > 0 {
		last := len(g.resting) - 1
		c := g.resting[last]
		g.resting[last] = nil
		g.resting = g.resting[:last]
		switch {
		case c.Conn.Handler() != poll.Handler(c): // a tunnel's
		case !g.worker.reactor.Evict(&c.Conn):
		case c.guarded():
			c.dismiss()
		default:
			batch = append(batch, c)
		}
	}
	return batch
}

// offer offers frozen connections to the next heir that is there.
func (g *giver) offer(batch []*Conn) {
	items := make([]handover.Item, 0, len(batch))
	for _, c := range batch {
		if len(g.senders) == 0 {
			g.stay(c, nil, handover.ErrPeerGone)
			continue
		}
		item, err := g.item(c)
		if err != nil {
			g.stay(c, nil, err)
			continue
		}
		items = append(items, item)
	}
	for len(items) > 0 && len(g.senders) > 0 {
		i := g.turn % len(g.senders)
		n, err := g.senders[i].Offer(items)
		items = items[n:]
		g.turn++
		if err != nil {
			g.senders = append(g.senders[:i], g.senders[i+1:]...)
			g.active.Store(len(g.senders) > 0)
		}
	}
	for _, item := range items {
		item.Done(handover.ErrPeerGone)
	}
}

// item makes the record of c and takes its descriptors; on failure c keeps them.
func (g *giver) item(c *Conn) (handover.Item, error) {
	doing, rec, extra, err := c.record()
	if err != nil {
		return handover.Item{}, err
	}
	socket := c.Detach()
	if socket == nil {
		return handover.Item{}, errors.New("connection is closed")
	}
	files := append([]*fd.Owned{socket}, extra...)
	return handover.Item{Record: rec, Files: files, Done: func(err error) {
		if err == nil {
			g.moved(c, doing)
			return
		}
		for _, o := range extra {
			if !c.kept.keeps(o) { // it is made anew for another offer
				o.Close()
			}
		}
		var refused *handover.Refused
		if g.active.Load() && !errors.As(err, &refused) && !errors.Is(err, handover.ErrTakenBack) {
			c.revive(socket)
			g.push(c) // another heir may be there
			return
		}
		g.stay(c, socket, err)
	}}, nil
}

func (g *giver) moved(c *Conn, doing string) {
	g.mu.Lock()
	g.tally.Moved[doing]++
	g.tally.Took = time.Since(g.begun)
	g.mu.Unlock()
	c.gone()
}

// stay lets c go on here, to its next answer.
func (g *giver) stay(c *Conn, socket *fd.Owned, why error) {
	reason := why.Error()
	var refused *handover.Refused
	if errors.As(why, &refused) {
		reason = refused.Reason
	}
	if !c.stays {
		g.mu.Lock()
		g.tally.Stayed[reason]++
		g.mu.Unlock()
	}
	if (reason == errNotListened.Error() || why == errSecured) && c.idle && c.kept == nil {
		c.revive(socket)
		c.close(false)
		return
	}
	c.thaw(socket)
}

// Tally is how the handover of a draining worker goes so far; zero for a worker
// that hands nothing over.
func (w *Worker) Tally() Tally {
	g := w.giver.Load()
	if g == nil {
		return Tally{}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tally
}
