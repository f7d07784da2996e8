package proxy

import (
	"github.com/fxamacker/cbor/v2"

	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/stream/upstream"
	core "github.com/baton-project/baton/internal/upstream"
)

// relayState is what the next worker has to know of a relay.
type relayState struct {
	Host    string           `cbor:"1,keyasint"`
	States  []upstream.State `cbor:"2,keyasint"`           // the last one is in use
	Elapsed int64            `cbor:"3,keyasint"`           // ms since that began
	Headed  int64            `cbor:"4,keyasint,omitempty"` // see relay.headed
}

// Frozen says how far the session is.
func (r *relay) Frozen() ([]byte, error) {
	r.noteFirst()
	return cbor.Marshal(r.kept())
}

func (r *relay) kept() *relayState {
	return &relayState{Host: r.host, States: r.states, Elapsed: r.s.Tick() - r.began, Headed: r.headed}
}

// valid says whether a worker of ours could have written k.
func (k *relayState) valid() bool { return len(k.States) > 0 && k.Elapsed >= 0 && k.Headed >= 0 }

// Moved gives the peer back; the connection is another worker's.
func (r *relay) Moved() {
	r.session.Free(core.Served)
	r.secured, r.bytes = nil, nil
}

// resume goes on with a session that another worker has relayed, under the settings
// of this configuration.
func (p *pass) resume(s *stream.Session, state []byte, m *stream.Moved) stream.Holder {
	var kept relayState
	if err := cbor.Unmarshal(state, &kept); err != nil || !kept.valid() {
		return nil
	}
	r := p.again(s, &kept)
	s.Reactor().Add(&r.conn.Conn, m.Socket.Take(), nil)
	if m.Stream != nil {
		m.Stream.SetSocket(&r.conn.Conn)
		r.secured, r.bytes = m.Stream, m.Stream
	}
	r.useAgain()
	m.Fill(&r.tunnel)
	r.tie(&r.tunnel)
	return r
}

// again makes the relay of a session that has moved here.
func (p *pass) again(s *stream.Session, kept *relayState) *relay {
	r := &relay{pass: p, s: s, host: kept.Host, states: kept.States, headed: kept.Headed, began: s.Tick() - kept.Elapsed}
	r.name = r.state().Peer
	s.Passes(r)
	s.Doing(proxying)
	return r
}

// useAgain counts the session among those of its upstream, if that is still one.
func (r *relay) useAgain() {
	if target := r.targetNow(); target != nil {
		target.Group().Begin(&r.session, target.Key(r.s, r.s.Peer().Addr()))
		r.session.Resume(r.name) // it may have no such peer any more
	}
}

// targetNow is the group that the session would be passed on to now; nil: none that
// counts.
func (r *relay) targetNow() *upstream.Target {
	if r.to == nil {
		return r.conf.target
	}
	u, err := core.ParseURL(r.to.Eval(r.s), 0)
	if err != nil {
		return nil
	}
	return r.upstreams.Find(&u)
}
