package pool

import (
	"context"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
)

// The kinds of records, and their version. With TLS it is a kind of its own, which
// those who do not know it refuse.
const (
	kindClient = "pool"
	kindSecure = "pools"
	versionOne = 1
	versionTwo = 2 // the client speaks version 3 of Redis' protocol
)

// maxAhead is how many bytes read ahead a client may move with.
const maxAhead = handover.MaxState - 4<<10

// clientState is a client on its way: all its replies were sent.
type clientState struct {
	Listen   string `cbor:"1,keyasint"` // the address of the pool
	Password string `cbor:"2,keyasint,omitempty"`
	Ahead    []byte `cbor:"3,keyasint,omitempty"`
	User     string `cbor:"4,keyasint,omitempty"` // one of redis_users, and
	Digest   []byte `cbor:"5,keyasint,omitempty"` // of the password

	TLS *tls.State `cbor:"6,keyasint,omitempty"` // nil: none, or before the handshake
	V3  bool       `cbor:"7,keyasint,omitempty"` // only in records of version two

	Library bool `cbor:"8,keyasint,omitempty"` // a client's library speaks
}

// A giver gives the clients of a draining worker to its heirs. The worker's mutex
// guards frozen.
type giver struct {
	heirs  *heirs.Set // nil: there are none
	frozen []*client  // wait for an offer
	wake   chan struct{}
}

// Drain stops accepting, lets every client have the replies that are under way,
// and returns when none is left. When ctx ends first the rest is closed.
func (w *Worker) Drain(ctx context.Context) error { return w.HandOver(ctx, nil) }

// HandOver is Drain for a worker with heirs: clients go to them when they have their
// replies. It returns when no client is left.
func (w *Worker) HandOver(ctx context.Context, to *heirs.Set) error {
	g := &giver{heirs: to, wake: make(chan struct{}, 1)}
	if to != nil {
		to.OnChange(func() {
			g.signal()
			w.reactor.Post(w.look)
		})
	}
	w.StopAccepting()
	w.mu.Lock()
	w.giver = g
	w.draining.Store(true)
	w.left()
	w.mu.Unlock()
	w.reactor.Post(w.look)
	err := w.give(ctx, g)
	if err != nil {
		w.Close()
		<-w.empty
	}
	return err
}

// look takes every client from its rest. It runs on the reactor's goroutine.
func (w *Worker) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.reactor.Tick()
	w.reactor.Each(func(p *poll.Conn) {
		c, mine := p.Handler().(*client)
		switch {
		case !mine || c.worker != w || c.closed || c.leaving:
		case c.paused:
			c.settle()
		case w.reactor.Evict(p):
			c.run()
		}
	})
	w.flushClients()
	w.flushLater()
}

// give offers until no client is left.
func (w *Worker) give(ctx context.Context, g *giver) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.empty:
			return nil
		case <-g.wake:
			w.offer(g)
		}
	}
}

func (g *giver) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// offer offers the clients that wait.
func (w *Worker) offer(g *giver) {
	for {
		w.mu.Lock()
		n := min(len(g.frozen), handover.MaxRecords)
		batch := append([]*client(nil), g.frozen[:n]...)
		g.frozen = append(g.frozen[:0], g.frozen[n:]...)
		var items []handover.Item
		for _, c := range batch {
			if c.closed {
				continue
			}
			item, err := c.item(g)
			if err != nil {
				c.stay(g, nil, err)
				continue
			}
			items = append(items, item)
		}
		w.mu.Unlock()
		if n == 0 {
			return
		}
		g.heirs.Offer(items)
	}
}

// item makes the record of c and takes its socket. Needs w.mu.
func (c *client) item(g *giver) (handover.Item, error) {
	state := clientState{Listen: c.pool.address, Ahead: c.in, V3: c.v3, Library: c.library}
	c.noteLogin(&state)
	kind, apart, err := c.exportTLS(&state)
	if err != nil {
		return handover.Item{}, err
	}
	version := uint(versionOne)
	if c.v3 {
		version = versionTwo
	}
	rec, err := handover.NewRecord(kind, version, 1+len(apart), &state)
	if err != nil {
		fd.CloseAll(apart)
		return handover.Item{}, err
	}
	socket := c.Detach()
	if socket == nil {
		fd.CloseAll(apart)
		return handover.Item{}, errClosed
	}
	done := func(err error) {
		w := c.worker
		w.mu.Lock()
		defer w.mu.Unlock()
		w.now = w.reactor.Tick()
		fd.CloseAll(apart)
		switch {
		case err == nil:
			g.heirs.Moved("client")
			c.close() // the socket is not ours any more
		case c.closed:
			socket.Close()
		default:
			c.stay(g, socket, err)
		}
		w.flushClients()
	}
	return handover.Item{Record: rec, Files: append([]*fd.Owned{socket}, apart...), Done: done}, nil
}

// stay lets c go on here, or try another heir. Needs w.mu.
func (c *client) stay(g *giver, socket *fd.Owned, why error) {
	w := c.worker
	if socket != nil {
		w.reactor.Add(&c.Conn, socket.Take(), c)
	}
	if socket != nil && g.heirs.Another(why) {
		g.frozen = append(g.frozen, c)
		g.signal()
		return
	}
	g.heirs.Stayed(why)
	c.leaving, c.stays, c.paused = false, true, false
	c.ServeNow()
}

// departs reports whether c is to be handed over as soon as it has its replies.
// Needs w.mu.
func (c *client) departs() bool {
	g := c.worker.giver
	return g != nil && g.heirs.Any() && !c.stays && !c.streaming && len(c.in) <= maxAhead
}

// depart gives c to the giver. Needs w.mu.
func (c *client) depart() {
	g := c.worker.giver
	c.leaving = true
	g.frozen = append(g.frozen, c)
	g.signal()
}

// Kinds are the records that Accept of a receiver understands.
func (w *Worker) Kinds() map[string]handover.Kind {
	return map[string]handover.Kind{
		kindClient: {Version: versionTwo, Accept: w.acceptRecord},
		kindSecure: {Version: versionTwo, Accept: w.acceptRecord},
	}
}

// An arrival is a client that was rebuilt and is not ours yet.
type arrival struct {
	client *client
	socket *fd.Owned
	state  clientState
	tls    *tls.Stream // nil: none, or before the handshake
}

func (w *Worker) acceptRecord(rec *handover.Record, files []*fd.Owned) (handover.Taken, error) {
	var s clientState
	if err := rec.Decode(&s); err != nil || len(files) == 0 || len(s.Ahead) > handover.MaxState {
		fd.CloseAll(files)
		return nil, heirs.ErrState
	}
	socket := files[0]
	if err := s.unpack(rec.Kind, files[1:]); err != nil {
		socket.Close()
		return nil, err
	}
	files = files[:1]
	if _, _, err := poll.Inspect(socket); err != nil {
		socket.Close()
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || w.killed {
		fd.CloseAll(files)
		return nil, heirs.ErrEnded
	}
	for _, p := range w.pools {
		if p.address != s.Listen {
			continue
		}
		stream, err := p.importTLS(rec.Kind, &s)
		if err != nil {
			socket.Close()
			return nil, err
		}
		return &arrival{w.newClient(p), socket, s, stream}, nil
	}
	socket.Close()
	return nil, heirs.ErrNotListened
}

// Start implements [handover.Taken].
func (a *arrival) Start() {
	c := a.client
	w := c.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	c.restoreLogin(&a.state)
	c.library = a.state.Library
	c.v3 = a.state.V3 && c.pool.conf.Redis
	c.in = append(c.in, a.state.Ahead...)
	w.reactor.Add(&c.Conn, a.socket.Take(), c)
	if a.tls != nil {
		a.tls.SetSocket(&c.Conn)
		c.tls = a.tls
		c.admit()
	}
	c.ServeNow()
}

// Drop implements [handover.Taken].
func (a *arrival) Drop() {
	a.socket.Close()
	w := a.client.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	a.client.close()
}

// Receive accepts clients from an old worker at the other end of ch, in a worker
// that has nothing else to receive.
func (w *Worker) Receive(ch handover.Channel, failed func(error)) {
	r := handover.NewReceiver(ch, w.Kinds(), nil)
	go func() {
		if err := r.Run(); err != nil {
			failed(err)
		}
	}()
}
