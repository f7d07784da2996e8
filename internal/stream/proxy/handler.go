package proxy

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/stream/upstream"
	"github.com/baton-project/baton/internal/tls"
	core "github.com/baton-project/baton/internal/upstream"
	"golang.org/x/sys/unix"
)

const (
	connecting      = " while connecting to upstream"
	proxying        = " while proxying connection"
	readingClient   = " while proxying and reading from client"
	readingUpstream = " while proxying and reading from upstream"
	sendingClient   = " while proxying and sending to client"
	sendingUpstream = " while proxying and sending to upstream"
)

// A relay is one session on its way to an upstream and back.
type relay struct {
	*pass
	s       *stream.Session
	session core.Session
	name    string          // of the peer, or of the group when none is live
	host    string          // what the upstream is called; for TLS
	own     *netip.AddrPort // where connections come from; nil: the system chooses
	conn    core.Conn
	secured *tls.Stream // TLS with the upstream; nil: none is spoken
	bytes   poll.Stream // the same, or nil
	states  []upstream.State
	room    [1]upstream.State // where states starts
	choice  int64             // tick when the first peer was looked for
	began   int64             // tick of this try
	headed  int64             // bytes sent to the upstream that are not the client's
	tunnel  poll.Tunnel
	letters *exchange // instead of conn and tunnel when datagrams are passed
}

// handle chooses an upstream, connects, and leaves the session to a tunnel.
func (p *pass) handle(s *stream.Session) stream.Result {
	r := &relay{pass: p, s: s}
	r.states = r.room[:0]
	s.Passes(r)
	if p.bind != nil {
		r.own = p.bindTo(s)
	}
	if rc := r.choose(); rc != stream.OK {
		return rc
	}
	if n := p.conf.NextTries.V; n > 0 {
		r.session.LimitTries(n)
	}
	r.choice = s.Tick()
	for {
		rc := r.connect()
		if rc == stream.Declined {
			continue
		}
		if rc != stream.Done {
			r.end()
		}
		return rc
	}
}

// choose finds the group of servers.
func (r *relay) choose() stream.Result {
	s, target := r.s, r.conf.target
	if r.to != nil {
		text := r.to.Eval(s)
		u, err := core.ParseURL(text, 0)
		if err != nil {
			s.Logf(log.Error, `%v in upstream "%s"`, err, text)
			return stream.StatusInternalError
		}
		if target = r.upstreams.Find(&u); target == nil {
			return r.chooseAddress(&u)
		}
	}
	r.host = target.Name()
	target.Group().Begin(&r.session, target.Key(s, s.Peer().Addr()))
	return stream.OK
}

// chooseAddress is for an address that no directive names.
func (r *relay) chooseAddress(u *core.URL) stream.Result {
	s := r.s
	if u.Port == 0 && !u.IsUnix() {
		s.Logf(log.Error, `no port in upstream "%s"`, u.Host)
		return stream.StatusInternalError
	}
	addresses := u.Addresses
	if len(addresses) == 0 {
		var rc stream.Result
		if addresses, rc = r.resolve(u); rc != stream.OK {
			return rc
		}
	}
	r.host = u.Host
	core.Single(u.Host, addresses, s.Time).Begin(&r.session, core.Key{Client: s.Peer().Addr()})
	return stream.OK
}

func (r *relay) resolve(u *core.URL) ([]core.Address, stream.Result) {
	s := r.s
	resolver, timeout := s.Server().Resolver()
	if resolver == nil {
		s.Logf(log.Error, "no resolver defined to resolve %s", u.Host)
		return nil, stream.StatusInternalError
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	found, _, err := resolver.LookupAddr(ctx, u.Host)
	if err != nil {
		s.Logf(log.Error, "%v", err)
		return nil, stream.StatusInternalError
	}
	addresses := make([]core.Address, len(found))
	for i, a := range found {
		addresses[i] = core.TCP(netip.AddrPortFrom(a, u.Port))
	}
	return addresses, stream.OK
}

// connect makes one try. Declined: there may be another one.
func (r *relay) connect() stream.Result {
	s := r.s
	s.Doing(connecting)
	if n := len(r.states); n > 0 {
		r.states[n-1].SessionTime = s.Tick() - r.began
		r.states[n-1].BytesSent = r.headed
	}
	r.headed = 0
	r.states = append(r.states, upstream.State{ConnectTime: -1, FirstByteTime: -1, SessionTime: -1})
	r.began = s.Tick()
	peer, err := r.session.Next()
	if err != nil {
		r.name = r.session.Group().Name()
		r.state().Peer = r.name
		s.Logf(log.Error, "no live upstreams")
		return stream.StatusBadGateway
	}
	r.name = peer.Address.Name
	r.state().Peer = r.name
	rc := r.dial(peer)
	if rc == stream.OK {
		return r.start()
	}
	if rc != stream.Declined {
		return rc
	}
	return r.next()
}

func (r *relay) state() *upstream.State { return &r.states[len(r.states)-1] }

// dial opens a connection. Declined: the peer is at fault.
func (r *relay) dial(peer *core.Peer) stream.Result {
	s := r.s
	out := poll.Outgoing{Timeout: r.conf.ConnectTimeout.V, Setup: r.setup}
	if r.own != nil {
		out.From, out.Transparent = *r.own, r.conf.Bind.V.transparent
	}
	if s.Datagrams() {
		return r.dialDatagrams(peer, &out)
	}
	r.conn.Address = peer.Address
	if !s.Awaits(&r.conn.Conn) {
		return stream.StatusOK
	}
	err := r.conn.Dial(s.Reactor(), &out)
	if err == nil {
		return r.greet()
	}
	return r.notDialed(err)
}

// notDialed is what follows an error of opening a connection.
func (r *relay) notDialed(err error) stream.Result {
	if failure, ok := core.Describe(err, r.name); ok {
		r.s.LogErr(failure.Level, failure.Errno, "%s", failure.Text)
		if failure.Ours {
			return stream.StatusInternalError
		}
		return stream.Declined
	}
	return r.lost(err, "upstream timed out", "connect")
}

// lost is what follows an error of the connection to the upstream before the
// session is relayed.
func (r *relay) lost(err error, late, call string) stream.Result {
	var errno unix.Errno
	switch {
	case errors.Is(err, poll.ErrTimeout):
		r.s.LogErr(log.Error, unix.ETIMEDOUT, "%s", late)
		return stream.Declined
	case errors.As(err, &errno):
		level := log.Error
		if !core.Expected(errno) {
			level = log.Alert
		}
		r.s.LogErr(level, errno, "%s() failed", call)
		return stream.Declined
	}
	return stream.StatusOK // the worker ends
}

// next gives the peer up. Declined: there is another one to try.
func (r *relay) next() stream.Result {
	if r.session.Free(core.Failed) {
		r.s.Logf(log.Warn, "upstream server temporarily disabled")
	}
	timeout := r.conf.NextTimeout.V
	if r.session.Tries() == 0 || !r.conf.Next.V || timeout > 0 && r.s.Tick()-r.choice >= timeout.Milliseconds() {
		return stream.StatusBadGateway
	}
	r.closeConn()
	return stream.Declined
}

// start begins to relay.
func (r *relay) start() stream.Result {
	s := r.s
	r.logConnected()
	state := r.state()
	state.ConnectTime = s.Tick() - r.began
	if r.session.Metric() == core.TimeToConnect {
		r.session.Took(time.Duration(state.ConnectTime) * time.Millisecond)
	}
	if r.letters != nil {
		return r.correspond()
	}
	if rc := r.sendHeader(); rc != stream.OK {
		return rc
	}
	if !s.Server().NoDelay() {
		for _, c := range []*poll.Conn{&s.Conn, &r.conn.Conn} {
			_ = c.FD(func(descriptor int) error {
				return unix.SetsockoptInt(descriptor, unix.IPPROTO_TCP, unix.TCP_NODELAY, 0)
			})
		}
	}
	s.Doing(proxying)
	return r.dig()
}

// rate is a number of bytes per second; 0: no limit.
func (r *relay) rate(v *stream.Value) int64 {
	if v == nil {
		return 0
	}
	text := v.Eval(r.s)
	if text == "" {
		return 0
	}
	n, err := conf.ParseSize(text)
	if err != nil {
		r.s.Logf(log.Error, `invalid size "%s"`, text)
		return 0
	}
	return n
}

func (r *relay) logConnected() {
	if !r.s.LogEnabled(log.Info) {
		return
	}
	ask, kind := r.conn.LocalAddr, ""
	if r.letters != nil {
		ask, kind = r.letters.LocalAddr, "udp "
	}
	local, err := ask()
	if err != nil {
		return
	}
	from := local.String()
	if !local.IsUnix() {
		from = netip.AddrPortFrom(local.Addr(), uint16(local.Port())).String()
	}
	r.s.LogPlain(log.Info, "%sproxy %s connected to %s", kind, from, r.name)
}

// States are the tries so far.
func (r *relay) States() []upstream.State {
	if n := len(r.states); n > 0 && (r.conn.Reactor() != nil || r.letters != nil) {
		state := r.state()
		state.BytesReceived, state.BytesSent = r.received(), r.sent()
	}
	return r.states
}

// AppendLog is for [stream.Passed].
func (r *relay) AppendLog(line []byte) []byte {
	if r.name != "" {
		line = append(append(append(line, `, upstream: "`...), r.name...), '"')
	}
	return r.appendBytes(line)
}

func (r *relay) appendBytes(line []byte) []byte {
	line = append(line, ", bytes from/to client:"...)
	line = append(strconv.AppendInt(line, r.s.BytesReceived(), 10), '/')
	line = strconv.AppendInt(line, r.s.BytesSent(), 10)
	line = append(line, ", bytes from/to upstream:"...)
	line = append(strconv.AppendInt(line, r.received(), 10), '/')
	return strconv.AppendInt(line, r.sent(), 10)
}

// received is how much has come from the upstream.
func (r *relay) received() int64 {
	if x := r.letters; x != nil {
		return x.received
	}
	return r.s.BytesSent()
}

// sent is how much the upstream was sent.
func (r *relay) sent() int64 {
	if x := r.letters; x != nil {
		return x.sent
	}
	return r.headed + r.s.BytesReceived()
}

// end gives the upstream back before the session ends.
func (r *relay) end() {
	if len(r.states) > 0 {
		state := r.state()
		if state.SessionTime < 0 {
			state.SessionTime = r.s.Tick() - r.began
		}
		state.BytesReceived, state.BytesSent = r.received(), r.sent()
	}
	if r.session.Free(r.outcome()) {
		r.s.Logf(log.Warn, "upstream server temporarily disabled")
	}
	r.closeConn()
}

// outcome is whether the upstream is at fault for the end of the session.
func (r *relay) outcome() core.Outcome {
	if r.letters != nil && r.letters.failed {
		return core.Failed
	}
	return core.Served
}

// closeConn closes the connection to the upstream.
func (r *relay) closeConn() {
	if r.letters != nil {
		if o := r.letters.Detach(); o != nil { // it may be closed already, or another process have it
			_ = o.Close()
		}
		return
	}
	r.s.Awaits(nil)
	r.farewell()
	if r.s.Shared() {
		_ = r.conn.ShutdownBoth() // it may be closed already
	}
	_ = r.conn.Close() // likewise
}
