package stream

import (
	"net/netip"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
)

// A Resumer goes on with a session that another worker has relayed. state is what
// the Holder there has returned from Frozen. It has m fill a tunnel, sets the other end
// of that, and returns who holds it from here on; nil: the route is gone.
type Resumer func(s *Session, state []byte, m *Moved) Holder

// Moved is what has moved here with a session.
type Moved struct {
	Socket *fd.Owned   // of the other end, for the holder to take
	Stream *tls.Stream // over Socket, which is to be set; nil: no TLS

	session *Session
	state   *sessionState
	tunnel  *poll.Tunnel
}

// Fill makes t the tunnel of the session, as far as the one before and the client's
// end are concerned.
func (m *Moved) Fill(t *poll.Tunnel) {
	s, state := m.session, m.state
	timeout := time.Duration(state.Timeout) * time.Millisecond
	t.HalfClose, t.Pending, t.Shut = state.HalfClose, state.Unsent, state.Shut
	t.Quiet = time.Duration(state.Quiet) * time.Millisecond
	t.Ends = [2]poll.End{{Conn: &s.Conn, Timeout: timeout}, {Timeout: timeout}}
	if state.Rates != [2]int64{} {
		t.Paced = new([2]poll.Paced)
		for side := range t.Ends {
			t.Ends[side].Rate = state.Rates[side]
			t.Paced[side] = poll.Paced{Used: state.Used[side], Wait: time.Duration(state.Waits[side]) * time.Millisecond}
		}
	}
	if s.stream != nil {
		t.Ends[0].Stream = s.stream
	}
	m.tunnel = t
}

// Kinds are the records of sessions that this worker accepts from the one before it.
func (w *Worker) Kinds() map[string]handover.Kind {
	return map[string]handover.Kind{
		kindTCP: {Version: versionOne, Accept: func(r *handover.Record, files []*fd.Owned) (handover.Taken, error) {
			a, err := w.rebuild(r, files)
			if err != nil {
				fd.CloseAll(files)
				return nil, err
			}
			return a, nil
		}},
		kindSocket: {Version: versionOne, Accept: w.isReader},
		kindUDP: {Version: versionOne, Accept: func(r *handover.Record, files []*fd.Owned) (handover.Taken, error) {
			a, err := w.rebuildDialogue(r, files)
			if err != nil {
				fd.CloseAll(files)
				return nil, err
			}
			return a, nil
		}},
	}
}

// An arrival is a session that was rebuilt and is not ours yet.
type arrival struct {
	session *Session
	state   sessionState
	sockets [2]*fd.Owned
	stream  *tls.Stream // over the second one; nil: none
}

// rebuild makes a session by this worker's own configuration.
func (w *Worker) rebuild(r *handover.Record, files []*fd.Owned) (*arrival, error) {
	a := new(arrival)
	state := &a.state
	if err := r.Decode(state); err != nil || !state.valid(len(files)) {
		return nil, heirs.ErrState
	}
	if state.Apart {
		if err := state.unpack(files[2]); err != nil {
			return nil, err
		}
	}
	a.sockets = [2]*fd.Owned(files)
	local, peer, err := poll.Inspect(files[0])
	if err != nil {
		return nil, err
	}
	if _, _, err := poll.Inspect(files[1]); err != nil {
		return nil, err
	}
	var from *origin
	if state.Local != "" {
		at, err := listen.ParseAddress(state.Local)
		if err != nil {
			return nil, heirs.ErrState
		}
		from, local = &origin{at, state.Passes}, at.Sockaddr()
		known := false
		if peer, known = address(state.Peer); !known {
			return nil, heirs.ErrState
		}
	}
	l := listen.Serving(w.main.listeners, func(l *Listener) listen.Address { return l.Spec.Address }, local, state.Listen)
	if l == nil {
		return nil, heirs.ErrNotListened
	}
	s, err := w.remake(l, local, peer, &state.basics)
	if err != nil {
		return nil, err
	}
	s.said, s.origin = state.Said.Header(), from
	if s.site.ssl != (state.TLS[0] != nil) && from == nil {
		return nil, heirs.ErrNotListened
	}
	if a.stream, err = w.secure(s, state); err != nil {
		return nil, err
	}
	a.session = s
	return a, w.readmit(s)
}

// remake makes a session again that a client has with l.
func (w *Worker) remake(l *Listener, local, peer poll.Sockaddr, state *basics) (*Session, error) {
	s := &Session{
		worker: w, listener: l, site: l.siteOf(local), peer: peer, client: peer, number: state.Number,
		began: w.reactor.Tick() - state.Age, received: state.Received, sent: state.Sent, greeted: true,
	}
	s.server = s.site.server
	s.makeRoom()
	if state.Client != "" {
		addr, err := netip.ParseAddrPort(state.Client)
		if err != nil {
			return nil, heirs.ErrState
		}
		s.SetPeer(addr)
	}
	if state.Server != "" {
		s.ChooseServer(state.Server)
	}
	return s, nil
}

// resumed tells features about a session that has moved here, and what they have
// known of it.
func (s *Session) resumed(state *basics) {
	m := s.worker.main
	m.vars.Restore(&s.vars, &state.Variables)
	for _, c := range m.carried {
		if b, known := state.Carried[c.key]; known {
			c.load(s, b)
		}
	}
	for _, f := range s.server.resumed {
		f(s)
	}
}

// secure gives s the TLS that it had; the result is that of the other end.
func (w *Worker) secure(s *Session, state *sessionState) (other *tls.Stream, err error) {
	if mine := state.TLS[0]; mine != nil {
		imported := w.streams.Import
		if from := s.TLSServer(); from != nil {
			imported = from.Import
		}
		if s.stream, err = imported(mine); err != nil {
			return nil, heirs.ErrState
		}
		s.stream.SetSocket(&s.Conn)
	}
	if theirs := state.TLS[1]; theirs != nil {
		if other, err = w.streams.Import(theirs); err != nil {
			return nil, heirs.ErrState
		}
	}
	return other, nil
}

// readmit counts s, which has moved here, if there is room.
func (w *Worker) readmit(s *Session) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	limit := w.main.env.WorkerConnections
	select {
	case <-w.empty:
		return heirs.ErrEnded
	default:
	}
	switch {
	case w.closing:
		return heirs.ErrEnded
	case limit > 0 && w.open >= limit:
		return heirs.ErrNoRoom
	}
	w.add(s)
	return nil
}

// Start implements [handover.Taken].
func (a *arrival) Start() {
	s, state := a.session, &a.state
	s.worker.reactor.Add(&s.Conn, a.sockets[0].Take(), s)
	s.resumed(&state.basics)
	m := &Moved{Socket: a.sockets[1], Stream: a.stream, session: s, state: state}
	var h Holder
	if resume := s.server.resumer; resume != nil {
		h = resume(s, state.Holder, m)
	}
	if h == nil {
		h = s.adopt(state.Holder, m)
	}
	wakeTLS(m.tunnel)
	if s.Relay(m.tunnel, h) != Done {
		h.Ended(poll.Ending{Err: ErrShutdown})
	}
}

// Drop implements [handover.Taken].
func (a *arrival) Drop() {
	fd.CloseAll(a.sockets[:])
	a.session.worker.leave(a.session)
}
