package http

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
)

const movedTunnel = "tunnel"

// tunnelState is a tunnel on its way, beside the request in answerState.
type tunnelState struct {
	Received int64  `cbor:"1,keyasint"`           // from the client
	Timeout  int64  `cbor:"2,keyasint"`           // of the other end, in ms
	Quiet    int64  `cbor:"6,keyasint,omitempty"` // ms since something came
	Owner    []byte `cbor:"3,keyasint,omitempty"`

	// What was read and not written: in Unsent, or when that is much, one after
	// the other in a memory file.
	Unsent [2][]byte `cbor:"4,keyasint,omitempty"`
	Sizes  [2]int    `cbor:"5,keyasint,omitempty"`
}

// unsentMost is how many unsent bytes travel at all.
const unsentMost = 4 << 20

var (
	errUnsent      = errors.New("too much is on its way through the tunnel")
	errTunnelStays = errors.New("tunnel with TLS that cannot move")
)

// valid says whether a tunnel of ours could be so.
func (s *tunnelState) valid() bool {
	const year = 366 * 24 * 3600 * 1000
	return s.Received >= 0 && s.Timeout >= 0 && s.Quiet >= 0 && s.Quiet < 100*year && s.Sizes[0] >= 0 && s.Sizes[1] >= 0 &&
		s.Sizes[0] <= unsentMost && s.Sizes[1] <= unsentMost
}

// validBodiless is valid without what the answer of a tunnel or of an upstream has
// not: it does not know how much is to come.
func (s *answerState) validBodiless() bool {
	return len(s.Head) > 0 && s.Status >= 100 && s.Status < 1000 && s.HeadSize >= 0 && s.Sent >= 0 &&
		strings.HasPrefix(s.URI, "/")
}

// A TunnelOwner goes on with a tunnel that another worker has begun. state is
// what the holder there has returned from Freeze, other the other end. A
// nil result says that it is nobody's any more.
type TunnelOwner func(r *Request, state []byte, other *poll.Conn) *Tunnel

// freeze keeps a tunnel that was stopped at its connection, and hands that over.
func (t *Tunnel) freeze() {
	x := t.x
	c, r := x.conn, &x.req
	fromClient, fromOther := t.poll.Moved(0), t.poll.Moved(1)
	s := &answerState{
		Head: append([]byte(nil), r.head[:r.Head.Pos()]...),
		URI:  strings.Clone(r.URI), Args: strings.Clone(r.Args), Begun: r.started.UnixNano(),
		Status: r.Status(), Length: -1, HeadSize: r.headSize, Sent: r.sent + fromOther,
		LastModified: r.Out.LastModified,
		Tunnel: &tunnelState{
			Received: r.received + fromClient,
			Timeout:  int64(t.To.Timeout / time.Millisecond),
			Quiet:    max(t.poll.Idle().Milliseconds(), 0),
		},
	}
	k := &kept{answer: s, file: t.To.Conn.Detach()}
	k.stream, _ = t.To.Stream.(*tls.Stream)
	for side := range k.unsent {
		k.unsent[side] = append([]byte(nil), t.poll.Unsent(side)...)
	}
	s.Tunnel.Owner = t.Holder.Freeze(t.before+fromClient, fromOther)
	x.leaveStats()
	c.worker.put(x)
	c.kept = k
	c.depart()
}

// pack puts what is unsent where it travels; overflow is nil when that is in s.
func (k *kept) pack() (overflow *fd.Owned, err error) {
	s := k.answer.Tunnel
	n := len(k.unsent[0]) + len(k.unsent[1])
	switch {
	case n > unsentMost:
		return nil, errUnsent
	case n <= heirs.Inline:
		s.Unsent, s.Sizes = k.unsent, [2]int{}
		return nil, nil
	}
	s.Unsent = [2][]byte{}
	s.Sizes = [2]int{len(k.unsent[0]), len(k.unsent[1])}
	return heirs.Apart(k.unsent[0], k.unsent[1])
}

// unpack is the reverse; overflow is closed.
func (s *tunnelState) unpack(overflow *fd.Owned) (unsent [2][]byte, err error) {
	if overflow == nil {
		return s.Unsent, nil
	}
	pieces, err := heirs.Together(overflow, s.Sizes[0], s.Sizes[1])
	if err != nil {
		return unsent, err
	}
	return [2][]byte(pieces), nil
}

// resumeTunnel goes on with a tunnel, whose request is in x.
func (c *Conn) resumeTunnel(x *exchange, k *kept) {
	s, r := k.answer.Tunnel, &x.req
	r.received, r.keepAlive = s.Received, false
	other := new(poll.Conn)
	c.worker.reactor.Add(other, k.file.Take(), nil)
	if k.stream != nil {
		k.stream.SetSocket(other)
	}
	var t *Tunnel
	if own := r.loc.pipeline.tunnels; own != nil {
		t = own(r, s.Owner, other)
	}
	var lost *orphan
	if t == nil {
		if t, lost = c.orphan(r, s, other); t == nil {
			c.finish(x, false)
			return
		}
	}
	t.conn, t.x, r.tunnel = c, x, t
	t.poll.Pending, t.poll.Quiet = k.unsent, time.Duration(s.Quiet)*time.Millisecond
	if k.stream != nil {
		t.throughTLS(k.stream)
	}
	if c.secured != nil {
		t.wakeTLS(0, c.secured.stream)
	}
	w := c.worker
	w.start(t)
	if env := w.main.env; lost != nil && env.CloseOrphans {
		lost.closeAfter(env.OrphanTime, func() { t.poll.Stop(errDraining) })
	}
}

// throughTLS makes a stream over the other end that end.
func (t *Tunnel) throughTLS(s *tls.Stream) {
	t.To.Stream = s
	t.Holder = &throughTLS{t.Holder, s}
	t.wakeTLS(1, s)
}

// throughTLS holds a tunnel to whose other end TLS is spoken, which began
// elsewhere.
type throughTLS struct {
	TunnelHolder
	stream *tls.Stream
}

// Ended ends TLS as well.
func (h *throughTLS) Ended(fromClient, fromOther int64) {
	_ = h.stream.Close() // it is always nil
	h.TunnelHolder.Ended(fromClient, fromOther)
}

// wakeTLS has the tunnel look at both ends at once where TLS has bytes that no
// socket will tell of.
func (t *Tunnel) wakeTLS(side int, s *tls.Stream) {
	if s.Buffered() && t.poll.Pending[side] == nil {
		t.poll.Pending[side] = []byte{}
	}
	if s.Unsent() && t.poll.Pending[1-side] == nil {
		t.poll.Pending[1-side] = []byte{}
	}
}

// orphan makes a tunnel of one whose route is gone: nobody but us knows it. It
// returns nil when that is to end at once.
func (c *Conn) orphan(r *Request, s *tunnelState, other *poll.Conn) (*Tunnel, *orphan) {
	env := c.worker.main.env
	if env.CloseOrphans && env.OrphanTime == 0 {
		_ = other.Close()
		return nil, nil
	}
	other.SetWriteTimeout(r.loc.conn.SendTimeout.V)
	lost := &orphan{other: other, state: s.Owner}
	return &Tunnel{
		To:     poll.End{Conn: other, Timeout: time.Duration(s.Timeout) * time.Millisecond},
		Holder: lost,
	}, lost
}

// An orphan holds a tunnel whose route is gone.
type orphan struct {
	other *poll.Conn
	state []byte // of the holder before

	mu   sync.Mutex // guards what follows
	late *time.Timer
	over bool
}

// closeAfter calls stop after d, if the tunnel is still here then.
func (o *orphan) closeAfter(d time.Duration, stop func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.over {
		o.late = time.AfterFunc(d, stop)
	}
}

// end says that the tunnel is no longer here.
func (o *orphan) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	if o.late != nil {
		o.late.Stop()
	}
}

func (*orphan) Park()           {}
func (*orphan) Resume(*Request) {}

func (o *orphan) Ended(_, _ int64) {
	o.end()
	_ = o.other.Close()
}

func (o *orphan) Freeze(_, _ int64) []byte {
	o.end()
	return o.state
}

// stopTunnels freezes some of the tunnels that look has found; it reports whether
// there were any.
func (g *giver) stopTunnels() bool {
	if !g.heirs.Any() {
		return false
	}
	g.mu.Lock()
	n := max(0, len(g.tunnels)-handover.MaxRecords/2)
	some := g.tunnels[n:]
	g.tunnels = g.tunnels[:n]
	g.mu.Unlock()
	for _, t := range some {
		if !t.Stays && !t.conn.guarded() {
			t.poll.Stop(errFrozen)
			continue
		}
		g.heirs.Stayed(errTunnelStays)
	}
	return len(some) > 0
}
