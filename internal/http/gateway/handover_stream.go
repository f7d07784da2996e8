package gateway

import (
	"errors"
	"io"

	"github.com/fxamacker/cbor/v2"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/upstream"
)

// A Mover is a Codec of which an exchange can go on in another worker, in the
// middle of an answer's body or as a tunnel.
type Mover interface {
	Codec
	// Freeze returns the state between two calls of ReadBody. It is false when
	// nobody could go on there.
	Freeze() (state []byte, ok bool)
	// Thaw takes the place of Begin and all the rest up to the body. It reports
	// whether state was one of Freeze's.
	Thaw(x *Exchange, state []byte) bool
	// FindTarget says by x.SetTarget whereto the requests of x.Pass go, if that is
	// the same for all of them.
	FindTarget(x *Exchange)
}

// streamState is what an exchange keeps of an answer that moves to another worker.
type streamState struct {
	Exchange        tunnelState `cbor:"1,keyasint"`
	Codec           []byte      `cbor:"2,keyasint"`
	ConnectionClose bool        `cbor:"3,keyasint,omitempty"`
	Buffering       bool        `cbor:"4,keyasint,omitempty"`
	Ended           bool        `cbor:"5,keyasint,omitempty"` // the upstream has sent its last
	From            int64       `cbor:"6,keyasint,omitempty"` // what counts of the file
	To              int64       `cbor:"7,keyasint,omitempty"`
}

// errStays says that the answer goes on here.
var errStays = errors.New("answer cannot move now")

// movable reports whether the answer is passed on in a way that another worker
// could go on with.
func (x *Exchange) movable() bool {
	_, ok := x.codec.(Mover)
	return ok && x.conn != nil && x.kept == nil && x.up == stream(&x.conn.Conn) &&
		(x.ahead.err == nil || x.ahead.err == io.EOF) && x.Request.Movable()
}

// leaves reports whether the answer is to go on in another worker.
func (x *Exchange) leaves() bool { return x.Request.Departs() && x.movable() }

// await reads from the upstream, which has nothing yet. A handover may end that.
func (x *Exchange) await(room []byte) (int, error) {
	if !x.movable() {
		return x.readUp(room)
	}
	other := &x.conn.Conn
	x.Request.LetMove(other)
	n, err := x.up.Read(room)
	x.Request.EndMove(other)
	if !errors.Is(err, http.ErrFrozen) {
		return n, err
	}
	if err := x.freeze(); !errors.Is(err, errStays) {
		return 0, err
	}
	return x.up.Read(room)
}

// freeze leaves the answer to another worker: the error is then [http.ErrAnswered].
func (x *Exchange) freeze() error {
	a := &x.ahead
	if a.start < a.end && (a.file == nil || !x.spill()) {
		return errStays
	}
	codec, ok := x.codec.(Mover).Freeze()
	if !ok {
		return errStays
	}
	state, err := cbor.Marshal(&streamState{Exchange: x.keep(), Codec: codec, ConnectionClose: x.Answer.ConnectionClose,
		Buffering: x.buffering, Ended: a.err != nil, From: a.from, To: a.to})
	if err != nil {
		return errStays
	}
	if x.Request.Flush() != nil {
		return http.ErrAnswered
	}
	x.unflushed = 0
	if x.Request.FreezeStream(state, x.detach) != nil {
		return errStays
	}
	return http.ErrAnswered
}

// detach gives the descriptors away.
func (x *Exchange) detach() (other, ahead *fd.Owned) {
	x.unwatch()
	if other = x.conn.Detach(); other == nil {
		return nil, nil
	}
	ahead = x.ahead.file
	x.conn, x.ahead.file = nil, nil
	return other, ahead
}

// keep is what another worker has to know of the exchange.
func (x *Exchange) keep() tunnelState {
	kept := tunnelState{Schema: x.Schema, URI: x.URI, Elapsed: x.Request.Tick() - x.attemptBegan, States: x.States}
	for i := range x.States {
		if x.States[i].redirect {
			kept.Redirect = append(kept.Redirect, i)
		}
	}
	if t, ok := x.codec.(Teller); ok {
		kept.Codec = t.Told()
	}
	for i := range x.Answer.Lines {
		if l := &x.Answer.Lines[i]; l.Name != "" {
			kept.Lines, kept.IDs = append(kept.Lines, l.Name, l.Value), append(kept.IDs, uint8(l.ID))
		}
	}
	return kept
}

// take is the reverse of keep.
func (x *Exchange) take(kept *tunnelState) {
	kept.restore(x)
	if x.target == nil {
		return
	}
	if g := x.group(); g != nil {
		g.Begin(&x.session, x.key())
		x.session.Resume(x.state().Peer) // one that is a peer no more counts nowhere
	}
}

// goOn goes on with an answer that another worker has begun to pass on, under the
// settings of this configuration.
func (p *Pass) goOn(r *http.Request, state []byte, other, ahead *fd.Owned) http.Result {
	x := p.pool.Get().(*Exchange)
	x.begin(r, p)
	x.conn = new(upstream.Conn)
	r.Reactor().Add(&x.conn.Conn, other.Take(), nil)
	x.up, x.ahead.file = &x.conn.Conn, ahead
	rc := x.resume(state)
	x.finalize()
	r.Doing("")
	return rc
}

func (x *Exchange) resume(state []byte) http.Result {
	var kept streamState
	if cbor.Unmarshal(state, &kept) != nil || len(kept.Exchange.States) == 0 ||
		kept.From < 0 || kept.To < kept.From || kept.To > 0 && x.ahead.file == nil {
		return 502
	}
	x.take(&kept.Exchange)
	if m, ok := x.codec.(Mover); !ok || !m.Thaw(x, kept.Codec) {
		return 502
	}
	x.received, x.buffering = true, kept.Buffering
	x.Answer.ConnectionClose = kept.ConnectionClose
	x.ahead.from, x.ahead.to = kept.From, kept.To
	if kept.Ended {
		x.ahead.err = io.EOF
	}
	x.conn.SetReadTimeout(x.Pass.Settings.ReadTimeout.V)
	if x.watchClient() {
		return x.Request.LostClient(true)
	}
	x.limit()
	return x.pump(nil)
}
