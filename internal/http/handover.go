package http

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/poll"
)

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
	heirs  *heirs.Set
	wake   chan struct{} // holds a token when there may be something to offer
	tick   int64         // of the beginning

	mu      sync.Mutex // guards what follows
	frozen  []*Conn
	resting []*Conn // what may be at rest; taken from the end
	tunnels []*Tunnel
}

// errFrozen wakes a call that waits on a connection that is to move.
var errFrozen = errors.New("connection is frozen")

// HandOver is [Worker.Drain] for a worker with heirs: it offers them every
// connection that comes to rest. It returns when no connection is left, or ctx ends
// and the rest is closed.
func (w *Worker) HandOver(ctx context.Context, to *heirs.Set) error {
	g := &giver{worker: w, heirs: to, wake: make(chan struct{}, 1), tick: w.reactor.Tick()}
	to.OnChange(func() { w.reactor.Post(g.look) })
	w.giver.Store(g)
	w.draining.Store(true)
	w.main.drained()
	w.StopAccepting()
	w.reactor.Post(g.look)
	err := g.give(ctx)
	if err != nil {
		w.Close()
		<-w.empty
	}
	return err
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
func (g *giver) give(ctx context.Context) error {
	for {
		select {
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
			case <-ctx.Done():
				return ctx.Err()
			case <-g.worker.empty:
				return nil
			}
		}
	}
}

// gather returns the connections of the next offer: first those that wait
// frozen, then some from their rest. Each waits for no more than the offers on
// their way.
func (g *giver) gather() []*Conn {
	receivers := g.heirs.Len()
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.frozen), handover.MaxRecords)
	batch := append([]*Conn(nil), g.frozen[:n]...)
	g.frozen = append(g.frozen[:0], g.frozen[n:]...)
	if n > 0 || receivers == 0 {
		return batch
	}
	size := max(1, min(handover.MaxRecords, len(g.resting)/(4*receivers)))
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

// offer offers frozen connections.
func (g *giver) offer(batch []*Conn) {
	items := make([]handover.Item, 0, len(batch))
	for _, c := range batch {
		if !g.heirs.Any() {
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
	g.heirs.Offer(items)
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
		if g.heirs.Another(err) {
			c.revive(socket)
			g.push(c)
			return
		}
		g.stay(c, socket, err)
	}}, nil
}

func (g *giver) moved(c *Conn, doing string) {
	g.heirs.Moved(doing)
	c.gone()
}

// stay lets c go on here, to its next answer.
func (g *giver) stay(c *Conn, socket *fd.Owned, why error) {
	if !c.stays {
		g.heirs.Stayed(why)
	}
	if (heirs.Reason(why) == heirs.ErrNotListened.Error() || why == errSecured) && c.idle && c.kept == nil {
		c.revive(socket)
		c.close(false)
		return
	}
	c.thaw(socket)
}
