package http

import (
	"errors"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/wire/proxyproto"
)

// The kinds of records, and their versions.
const (
	kindConn     = "http/1"          // at rest, or in the middle of a request's head
	kindDownload = "http/1 download" // in the middle of sending a file
	kindTunnel   = "http/1 tunnel"   // bytes to and fro
	versionOne   = 1
)

// maxAhead is how many bytes read ahead a connection may move with.
const maxAhead = handover.MaxState - 4<<10

// connState is a connection on its way. Times are in milliseconds before the
// moment of writing, so that clocks need not agree.
type connState struct {
	Listen   string            `cbor:"1,keyasint"` // the address of the listener
	Number   uint64            `cbor:"2,keyasint"`
	Requests int               `cbor:"3,keyasint,omitempty"`
	Accepted int64             `cbor:"4,keyasint,omitempty"`
	Idle     bool              `cbor:"5,keyasint,omitempty"`
	Rested   int64             `cbor:"6,keyasint,omitempty"`
	Greeted  bool              `cbor:"7,keyasint,omitempty"`
	Said     *proxyproto.Saved `cbor:"8,keyasint,omitempty"`
	Ahead    []byte            `cbor:"9,keyasint,omitempty"` // read and not used

	Answer *answerState `cbor:"10,keyasint,omitempty"` // of kindDownload and kindTunnel
	Secure *secureState `cbor:"11,keyasint,omitempty"` // of the kinds with TLS

	// Of a connection that began with a Passage: what the client counts as connected
	// to, and the client's address.
	Local string `cbor:"12,keyasint,omitempty"`
	Peer  string `cbor:"13,keyasint,omitempty"`
}

// kept is what a connection without an exchange has beyond its few fields: it is
// on its way between two workers.
type kept struct {
	ahead  []byte
	answer *answerState // nil: between two requests
	file   *fd.Owned    // of answer, or the other end of a tunnel or stream
	more   *fd.Owned    // of a stream: what was read ahead; nil: nothing
	stream *tls.Stream  // over file, of a tunnel; nil: none
	unsent [2][]byte    // of a tunnel
}

var (
	errAhead   = errors.New("too much was read ahead")
	errSecured = errors.New("TLS that cannot move")
)

// departs reports whether c is to be handed over when it comes to rest. It is
// for who owns c.
func (c *Conn) departs() bool {
	g := c.worker.giver.Load()
	return g != nil && !c.stays && !c.guarded() && g.heirs.Any()
}

// depart is what becomes of a connection that would rest in a draining worker.
func (c *Conn) depart() {
	g := c.worker.giver.Load()
	switch {
	case g == nil, c.guarded():
		c.dismiss()
	case c.stays && c.kept == nil:
		c.Rest(c.restLeft())
	default:
		g.push(c)
	}
}

// letFreeze says that c is at a point of waiting where it can be frozen: the
// wait then ends with errFrozen. endFreeze says that this is over.
func (c *Conn) letFreeze() {
	w := c.worker
	w.freezing.Lock()
	defer w.freezing.Unlock()
	c.freezable = !c.guarded()
	if w.draining.Load() && c.departs() {
		c.wakeFrozen()
	}
}

func (c *Conn) endFreeze() {
	w := c.worker
	w.freezing.Lock()
	defer w.freezing.Unlock()
	c.freezable = false
	if c.woken {
		c.woken = false
		c.Wake(nil)
	}
}

// freeze ends c's wait if it is one that can be frozen. Any goroutine may call
// it.
func (c *Conn) freeze() {
	w := c.worker
	w.freezing.Lock()
	defer w.freezing.Unlock()
	if c.freezable {
		c.wakeFrozen()
	}
}

// wakeFrozen needs worker.freezing.
func (c *Conn) wakeFrozen() {
	c.woken = true
	if c.freezeAt != nil {
		c.freezeAt.Nudge(errFrozen)
		return
	}
	c.Wake(errFrozen)
}

// freezeHead hands c over in the middle of the head of a request.
func (c *Conn) freezeHead(x *exchange) {
	c.kept = &kept{ahead: append([]byte(nil), x.in[x.start:]...)}
	x.leaveStats()
	c.worker.put(x)
	c.depart()
}

// record says what c is doing, for reports and for the heir. extra are
// descriptors beside the socket.
func (c *Conn) record() (doing string, rec handover.Record, extra []*fd.Owned, err error) {
	secure, err := c.secureState()
	if err != nil {
		return "", rec, nil, err
	}
	tick := c.worker.reactor.Tick()
	s := connState{
		Listen: c.listener.Spec.Address.String(), Number: c.number, Requests: c.requests,
		Accepted: tick - c.accepted, Idle: c.idle, Greeted: c.greeted, Secure: secure,
	}
	doing, kind := movedNew, kindConn
	if c.idle {
		doing, s.Rested = movedIdle, tick-c.rested
	}
	if c.idle && c.rested >= c.worker.giver.Load().tick {
		doing = movedBusy
	}
	s.Said = c.said.Save()
	if c.passed != nil {
		s.Local, s.Peer = c.passed.local.String(), c.peerText()
	}
	if k := c.kept; k != nil {
		s.Ahead, s.Answer = k.ahead, k.answer
		if len(k.ahead) > 0 && k.answer == nil {
			doing = movedBusy
		}
		if k.answer != nil {
			doing, kind = movedDownload, kindDownload
			extra = []*fd.Owned{k.file}
		}
		if k.answer != nil && k.answer.Stream != nil {
			doing, kind = movedStream, kindStream
			if k.more != nil {
				extra = append(extra, k.more)
			}
		}
		if k.answer != nil && k.answer.Tunnel != nil {
			doing, kind = movedTunnel, kindTunnel
			overflow, err := k.pack()
			if err != nil {
				return "", rec, nil, err
			}
			if overflow != nil {
				extra = append(extra, overflow)
			}
		}
	}
	if len(s.Ahead) > maxAhead {
		return "", rec, nil, errAhead
	}
	if secure != nil {
		kind = secureKind(kind)
		apart, err := secure.pack()
		if err != nil {
			return "", rec, nil, err
		}
		if apart != nil {
			extra = append(extra, apart)
		}
	}
	if rec, err = handover.NewRecord(kind, versionOne, 1+len(extra), &s); err != nil {
		for _, o := range extra {
			if !c.kept.keeps(o) {
				o.Close()
			}
		}
	}
	return doing, rec, extra, err
}

// revive puts a socket that was offered back under c; nil leaves c as it is.
func (c *Conn) revive(socket *fd.Owned) {
	if socket != nil {
		c.shared = true
		c.worker.reactor.Add(&c.Conn, socket.Take(), c)
	}
}

// thaw lets c be served here again, to its next answer.
func (c *Conn) thaw(socket *fd.Owned) {
	c.revive(socket)
	c.stays = true
	if c.kept != nil || c.buffered() {
		c.ServeNow()
		return
	}
	c.Rest(c.restLeft())
}

// restLeft is how much longer c waits for what it waits for.
func (c *Conn) restLeft() time.Duration {
	if !c.idle {
		return c.restTime()
	}
	rested := time.Duration(c.worker.reactor.Tick()-c.rested) * time.Millisecond
	return max(c.restTime()-rested, time.Millisecond)
}

// gone notes that c is another worker's.
func (c *Conn) gone() {
	c.closed = true
	c.passed.end()
	c.worker.stats.Active.Add(-1)
	c.worker.left()
}

// Kinds are the records that this worker accepts from the one before it.
func (w *Worker) Kinds() map[string]handover.Kind {
	kinds := make(map[string]handover.Kind)
	for _, kind := range []string{kindConn, kindDownload, kindStream, kindTunnel} {
		kinds[kind] = handover.Kind{Version: versionOne, Accept: w.adoptConn}
		kinds[secureKind(kind)] = handover.Kind{Version: versionOne, Accept: w.adoptConn}
	}
	return kinds
}

// An arrival is a connection that was rebuilt from its record.
type arrival struct {
	conn   *Conn
	socket *fd.Owned
}

// adoptConn rebuilds a connection from its record, by this worker's own
// configuration.
func (w *Worker) adoptConn(r *handover.Record, files []*fd.Owned) (handover.Taken, error) {
	a, err := w.rebuild(r, files)
	if err != nil {
		fd.CloseAll(files)
		return nil, err
	}
	return a, nil
}

func (w *Worker) rebuild(r *handover.Record, files []*fd.Owned) (*arrival, error) {
	var s connState
	if err := r.Decode(&s); err != nil {
		return nil, heirs.ErrState
	}
	kind, secure := plainKind(r.Kind)
	if secure != (s.Secure != nil) || secure && !s.Secure.valid(kind) {
		return nil, heirs.ErrState
	}
	var apart *fd.Owned
	if secure && s.Secure.files() > 0 && len(files) > 1 {
		apart, files = files[len(files)-1], files[:len(files)-1]
	}
	if !s.valid(kind, len(files)) {
		return nil, heirs.ErrState
	}
	if apart != nil {
		if err := s.Secure.unpack(apart); err != nil {
			return nil, err
		}
	}
	socket := files[0]
	local, peer, err := poll.Inspect(socket)
	if err != nil {
		return nil, err
	}
	from, err := s.passed()
	if err != nil {
		return nil, heirs.ErrState
	}
	if from != nil {
		local, peer = from.local.Sockaddr(), s.peer(peer)
	}
	l := listen.Serving(w.main.listeners, func(l *Listener) listen.Address { return l.Spec.Address }, local, s.Listen)
	if l == nil {
		return nil, heirs.ErrNotListened
	}
	site := l.siteOf(local)
	if site.ssl != s.Secure.wants(kind) && from == nil {
		return nil, heirs.ErrNotListened
	}
	if kind == kindStream && w.main.streams == nil {
		return nil, errNoStreams
	}
	var unsent [2][]byte
	if kind == kindStream {
		if _, _, err := poll.Inspect(files[1]); err != nil {
			return nil, err
		}
	}
	if kind == kindTunnel {
		if _, _, err := poll.Inspect(files[1]); err != nil {
			return nil, err
		}
		var overflow *fd.Owned
		if len(files) > 2 {
			overflow = files[2]
		}
		if unsent, err = s.Answer.Tunnel.unpack(overflow); err != nil {
			return nil, err
		}
	}
	tick := w.reactor.Tick()
	c := &Conn{worker: w, listener: l, site: site, located: true, peer: peer, number: s.Number,
		accepted: tick - s.Accepted, requests: s.Requests, idle: s.Idle, rested: tick - s.Rested,
		greeted: s.Greeted, introduced: s.Said != nil, passed: from}
	c.said = s.Said.Header()
	c.setDebug()
	if len(s.Ahead) > 0 || s.Answer != nil {
		c.kept = &kept{ahead: s.Ahead, answer: s.Answer, unsent: unsent}
		if s.Answer != nil {
			c.kept.file = files[1]
			if kind == kindStream && len(files) > 2 {
				c.kept.more = files[2]
			}
		}
	}
	if secure {
		if err := w.resecure(c, s.Secure, c.kept); err != nil {
			return nil, err
		}
	}
	open := w.stats.Active.Add(1)
	if limit := w.main.env.WorkerConnections; limit > 0 && open > int64(limit) {
		w.stats.Active.Add(-1)
		return nil, heirs.ErrNoRoom
	}
	return &arrival{c, socket}, nil
}

// valid says whether a connection of ours could have written s.
func (s *connState) valid(kind string, files int) bool {
	const year = 366 * 24 * 3600 * 1000
	a := s.Answer
	fits := false
	switch kind {
	case kindConn:
		fits = a == nil && files == 1
	case kindDownload:
		fits = a != nil && a.Tunnel == nil && a.Stream == nil && a.valid() && files == 2
	case kindStream:
		fits = a != nil && a.Tunnel == nil && a.Stream != nil && a.validBodiless() && (files == 2 || files == 3 && a.Stream.Ahead)
	case kindTunnel:
		fits = a != nil && a.Tunnel != nil && a.Tunnel.valid() && a.validBodiless() && (files == 2 || files == 3)
	}
	return fits && s.Requests >= 0 && s.Accepted >= 0 && s.Accepted < 100*year && s.Rested >= 0 && s.Rested < 100*year &&
		len(s.Ahead) <= handover.MaxState
}

// Start implements [handover.Taken].
func (a *arrival) Start() {
	c := a.conn
	w := c.worker
	w.reactor.Add(&c.Conn, a.socket.Take(), c)
	if c.kept != nil || c.buffered() {
		c.ServeNow()
		return
	}
	w.settling.Add(1)
	defer w.settling.Add(-1)
	if w.draining.Load() {
		c.depart()
		return
	}
	c.Rest(c.restLeft())
}

// Drop implements [handover.Taken].
func (a *arrival) Drop() {
	a.socket.Close()
	if k := a.conn.kept; k != nil {
		k.closeFiles()
	}
	a.conn.gone()
}

// unpack begins to serve a connection that has something kept. It reports
// whether a request is to be looked for.
func (c *Conn) unpack(x *exchange) bool {
	k := c.kept
	c.kept = nil
	if k.answer != nil {
		return c.resume(x, k)
	}
	x.in = append(x.in[:0], k.ahead...)
	x.firstByte = c.worker.reactor.Tick()
	return true
}
