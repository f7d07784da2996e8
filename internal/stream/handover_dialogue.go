package stream

import (
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/poll"
)

// The kinds of records of sockets for datagrams, and of their sessions.
const (
	kindSocket = "stream/socket"
	kindUDP    = "stream/udp"
)

// socketState asks whether the heir has a socket for datagrams.
type socketState struct {
	Cookie uint64 `cbor:"1,keyasint"` // see poll.Port.Cookie
}

// dialogueState is a session of datagrams on its way; with it goes the socket to the
// other end.
type dialogueState struct {
	basics
	Socket  uint64 `cbor:"20,keyasint"` // what the client's datagrams come to; see socketState
	From    string `cbor:"21,keyasint"` // the client
	Scope   uint32 `cbor:"22,keyasint,omitempty"`
	To      string `cbor:"23,keyasint"` // what it sends to
	Unbound bool   `cbor:"24,keyasint,omitempty"`
	Timeout int64  `cbor:"25,keyasint,omitempty"`
	Quiet   int64  `cbor:"26,keyasint,omitempty"` // since something came
}

// dialogueItem makes the record of a frozen session of datagrams.
func (s *Session) dialogueItem() (handover.Item, error) {
	d := s.dialogue
	made := dialogueState{
		basics: s.basics(), Socket: d.socket.cookie, From: addressText(d.route.from), Scope: d.route.from.Scope(),
		To: addressText(d.route.to), Unbound: d.isUnbound(),
	}
	state, waits, err := s.partner.Frozen()
	if err != nil {
		return handover.Item{}, err
	}
	made.Holder, made.Timeout, made.Quiet = state, waits.Timeout.Milliseconds(), max(waits.Quiet.Milliseconds(), 0)
	rec, err := handover.NewRecord(kindUDP, versionOne, 1, &made)
	return handover.Item{Record: rec, Files: []*fd.Owned{s.sockets[1]}}, err
}

// valid says whether a worker of ours could have written s, with so many files.
func (s *dialogueState) valid(files int) bool {
	return files == 1 && s.basics.valid(s.Timeout, s.Quiet)
}

// route is where the datagrams come from and go to.
func (s *dialogueState) route() (r route, ok bool) {
	from, known := address(s.From)
	to, also := address(s.To)
	return route{from.WithScope(s.Scope), to}, known && also && !from.IsUnix() && !to.IsUnix()
}

// socketNamed finds a socket for datagrams; nil: this worker has none of that name.
func (w *Worker) socketNamed(cookie uint64) *datagramSocket {
	for _, d := range w.receivers() {
		if d.cookie == cookie && cookie != 0 {
			return d
		}
	}
	return nil
}

// isReader is for records of kindSocket.
func (w *Worker) isReader(r *handover.Record, files []*fd.Owned) (handover.Taken, error) {
	fd.CloseAll(files)
	var state socketState
	if err := r.Decode(&state); err != nil {
		return nil, heirs.ErrState
	}
	d := w.socketNamed(state.Cookie)
	if d == nil {
		return nil, heirs.ErrNotListened
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.paused || d.stopped {
		return nil, heirs.ErrEnded
	}
	return answered{}, nil
}

// answered is a question, of which nothing is left.
type answered struct{}

// Start implements [handover.Taken].
func (answered) Start() {}

// Drop implements [handover.Taken].
func (answered) Drop() {}

// A letterArrival is a session of datagrams that was rebuilt and is not ours yet.
type letterArrival struct {
	session *Session
	state   dialogueState
	socket  *fd.Owned
}

// rebuildDialogue makes a session of datagrams by this worker's own configuration.
// The client's datagrams may come before Start, when the other worker has heard of
// the end of the handover and we not yet: then they wait.
func (w *Worker) rebuildDialogue(r *handover.Record, files []*fd.Owned) (*letterArrival, error) {
	a := new(letterArrival)
	state := &a.state
	if err := r.Decode(state); err != nil || !state.valid(len(files)) {
		return nil, heirs.ErrState
	}
	at, ok := state.route()
	if !ok {
		return nil, heirs.ErrState
	}
	if err := poll.InspectDatagrams(files[0]); err != nil {
		return nil, err
	}
	d := w.socketNamed(state.Socket)
	if d == nil {
		return nil, heirs.ErrNotListened
	}
	s, err := w.remake(d.listener, at.to, at.from, &state.basics)
	if err != nil {
		return nil, err
	}
	s.dialogue = &dialogue{socket: d, route: at, unbound: state.Unbound}
	a.session, a.socket = s, files[0]
	return a, d.readmit(s)
}

// readmit counts s, which has moved here, if there is room, and has it get what the
// client sends.
func (d *datagramSocket) readmit(s *Session) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := s.dialogue.route
	bound := !s.dialogue.unbound
	switch {
	case d.stopped:
		return heirs.ErrEnded
	case bound && d.sessions[r] != nil:
		return heirs.ErrState
	}
	err := d.worker.readmit(s)
	if err == nil && bound {
		d.sessions[r] = s
	}
	return err
}

// Start implements [handover.Taken].
func (a *letterArrival) Start() {
	s, state := a.session, &a.state
	s.worker.reactor.Join(&s.Conn, s)
	s.resumed(&state.basics)
	waits := Waiting{time.Duration(state.Timeout) * time.Millisecond, time.Duration(state.Quiet) * time.Millisecond}
	var c Correspondent
	if letters := s.server.letters; letters != nil {
		c = letters(s, state.Holder, waits, a.socket)
	}
	if c == nil {
		c = s.adoptDialogue(state.Holder, waits, a.socket)
	}
	if !s.Correspond(c) {
		c.Stop(ErrShutdown)
	}
}

// Drop implements [handover.Taken].
func (a *letterArrival) Drop() {
	_ = a.socket.Close()
	a.session.dialogue.socket.forget(a.session)
	a.session.worker.leave(a.session)
}
