package gateway

import (
	"github.com/fxamacker/cbor/v2"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/upstream"
	"github.com/baton-project/baton/internal/wire/h1"
)

// A tunnel is an exchange whose connections are tied together. While nothing
// happens there is no Exchange, only what is needed to make one again.
type tunnel struct {
	x      *Exchange // nil while parked
	pass   *Pass
	use    upstream.Use
	conn   *upstream.Conn // nil: other
	other  *poll.Conn     // of a tunnel that another worker has begun
	began  int64          // tick of the attempt
	ssl    bool
	packed []byte // a tunnelState
}

// tunnelState is what is kept of the exchange of a tunnel at rest, and of one that
// moves to another worker.
type tunnelState struct {
	Schema   string   `cbor:"1,keyasint"`
	URI      string   `cbor:"2,keyasint"`
	Elapsed  int64    `cbor:"3,keyasint"` // ms since the attempt began
	States   []State  `cbor:"4,keyasint"`
	Redirect []int    `cbor:"5,keyasint,omitempty"` // indexes of States
	Lines    []string `cbor:"6,keyasint,omitempty"` // of the answer: name, value, name, value
	IDs      []uint8  `cbor:"7,keyasint,omitempty"` // of Lines
	Codec    []string `cbor:"8,keyasint,omitempty"` // see Teller
}

// A Teller is a Codec with variables of its own whose values would not be known in
// another one.
type Teller interface {
	// Told is what these values come from; empty: the configuration.
	Told() []string
	// Tell is given what Told has returned, perhaps in another worker.
	Tell(told []string)
}

// restore puts what was kept into x, and finds out anew where its request goes to.
func (s *tunnelState) restore(x *Exchange) {
	x.States = append(x.States[:0], s.States...)
	for _, i := range s.Redirect {
		if i >= 0 && i < len(x.States) {
			x.States[i].redirect = true
		}
	}
	x.Schema, x.URI = s.Schema, s.URI
	x.attemptBegan = x.Request.Tick() - s.Elapsed
	if m, ok := x.codec.(Mover); ok {
		m.FindTarget(x)
	}
	if t, ok := x.codec.(Teller); ok && len(s.Codec) > 0 {
		t.Tell(s.Codec)
	}
	for i, id := range s.IDs {
		if 2*i+1 < len(s.Lines) {
			x.Answer.Lines = append(x.Answer.Lines, Line{Name: s.Lines[2*i], Value: s.Lines[2*i+1], ID: h1.AnswerID(id)})
		}
	}
}

// Park gives the exchange back.
func (t *tunnel) Park() {
	x := t.x
	kept := x.keep()
	packed, err := cbor.Marshal(&kept)
	if err != nil {
		packed = nil // its log line will know less
	}
	t.packed, t.began, t.conn, t.ssl = packed, x.attemptBegan, x.conn, x.SSL
	t.use = x.session.Leave()
	x.Request.CancelEnd(x.endAt)
	x.conn, x.up, t.x = nil, nil, nil
	x.endKept()
	x.putBack()
}

// Resume makes an exchange again.
func (t *tunnel) Resume(r *http.Request) {
	if t.x != nil {
		return
	}
	x := t.pass.pool.Get().(*Exchange)
	x.begin(r, t.pass)
	var s tunnelState
	_ = cbor.Unmarshal(t.packed, &s) // it is ours
	s.restore(x)
	if len(x.States) == 0 {
		x.States = append(x.States, State{})
	}
	x.attemptBegan, x.conn, x.SSL = t.began, t.conn, t.ssl
	t.use.Resume(&x.session)
	t.x, x.tunnel, t.packed = x, t, nil
}

// end counts what went through.
func (t *tunnel) end(fromClient, fromUpstream int64) *Exchange {
	x := t.x
	x.tunnel = nil
	s := x.state()
	s.BytesSent += fromClient
	s.BytesReceived += fromUpstream
	return x
}

// Ended ends the exchange with the tunnel.
func (t *tunnel) Ended(fromClient, fromUpstream int64) {
	if t.other != nil {
		_ = t.other.Close()
	}
	t.end(fromClient, fromUpstream).finalize()
}

// Freeze ends the exchange here; the socket of its connection is gone.
func (t *tunnel) Freeze(fromClient, fromUpstream int64) []byte {
	x := t.end(fromClient, fromUpstream)
	kept := x.keep()
	if x.conn != nil {
		x.conn.Data = nil // TLS goes on elsewhere
	}
	b, err := cbor.Marshal(&kept)
	x.finalize()
	if err != nil {
		return nil // the tunnel goes on as one that is nobody's
	}
	return b
}

// adopt goes on with a tunnel that another worker has begun, under the settings
// of this configuration.
func (p *Pass) adopt(r *http.Request, state []byte, other *poll.Conn) *http.Tunnel {
	var kept tunnelState
	if err := cbor.Unmarshal(state, &kept); err != nil || len(kept.States) == 0 {
		return nil
	}
	x := p.pool.Get().(*Exchange)
	x.begin(r, p)
	x.take(&kept)
	x.tunnel = &tunnel{x: x, pass: p, other: other}
	other.SetWriteTimeout(p.Settings.SendTimeout.V)
	return &http.Tunnel{To: poll.End{Conn: other, Timeout: p.Settings.ReadTimeout.V}, Holder: x.tunnel}
}
