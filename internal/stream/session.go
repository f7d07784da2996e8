package stream

import (
	"net/netip"
	"runtime/debug"
	"time"
	"unsafe"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/variable"
	"github.com/baton-project/baton/internal/wire/proxyproto"
)

// A Session is one client's connection from accept to its line in the access log.
// A goroutine takes it through the phases; a handler that goes on by itself may
// leave it to a [poll.Tunnel], and then nothing of it is in memory but this.
type Session struct {
	poll.Conn
	worker   *Worker
	listener *Listener
	site     *site // the address the client connected to
	server   *Server
	peer     poll.Sockaddr // of the connection
	client   poll.Sockaddr // the same, or what a trusted proxy has said
	number   uint64        // for logs
	began    int64         // tick
	status   Result
	sent     int64 // to the client, without what went through the tunnel
	received int64 // from the client, likewise
	vars     variable.State
	scratch  []byte
	ahead    []byte             // came from the client and was not passed on
	said     *proxyproto.Header // what the PROXY protocol has said; nil for nothing
	stream   *tls.Stream        // between us and the socket; nil: nothing is
	hello    *tls.Info          // while its handshake goes on
	dialogue *dialogue          // of datagrams, in the place of a socket; nil: a connection
	doing    string             // " while ..." in logs
	passed   Passed             // nil: not to an upstream
	origin   *origin            // nil: it was accepted
	contexts []any
	endings  []func() // see OnEnd
	greeted  bool     // what comes before the first phase was read
	changed  bool     // SetPeer was called
	ended    bool
	shared   bool         // see Shared
	chosen   string       // see ChooseServer
	holder   Holder       // see Relay
	sockets  [2]*fd.Owned // while they are offered to another worker

	// worker.mu guards what follows.
	tunnel     *poll.Tunnel  // see Relay
	partner    Correspondent // see Correspond
	other      *poll.Conn    // see Awaits
	prev, next *Session      // in worker.first
	doom       error         // see stop
	relaying   bool          // the tunnel was started, or partner has begun
	frozen     bool          // it was stopped, to move
	stays      bool          // ... and is not again
	left       bool
}

// A Passed is what a handler knows of the upstream that it uses.
type Passed interface {
	// AppendLog appends the end of a line of the error log.
	AppendLog(line []byte) []byte
}

// Serve is called by the reactor: at once, or when the header of the PROXY
// protocol has begun to come.
func (s *Session) Serve(*poll.Conn) {
	defer s.guard()
	s.locate()
	if s.site.proxied && !s.greeted {
		if rc := s.readProxied(); rc != OK {
			s.settle(rc)
			return
		}
	}
	s.runPhases()
}

// Expire is called by the reactor when nothing came in time.
func (s *Session) Expire(*poll.Conn) {
	s.doing = readingProxied
	s.Logf(log.Info, "client timed out (110: Connection timed out)")
	s.Finalize(StatusOK)
}

// guard ends a session whose code panicked; the worker lives on.
func (s *Session) guard() {
	reason := recover()
	if reason == nil {
		return
	}
	s.worker.main.env.Logger.Logf(log.Alert, s.number, "panic: %v", reason)
	s.worker.main.env.Logger.Logf(log.Debug, s.number, "%s", debug.Stack())
	s.close()
}

// Finalize ends the session with a status: it is logged and its connection
// closed. What the handler has opened is closed before.
func (s *Session) Finalize(rc Result) {
	s.status = rc
	for _, h := range s.server.phases[Log] {
		h(s)
	}
	s.close()
}

// close ends the connection without further words.
func (s *Session) close() {
	if s.ended {
		return // a panic came behind the end
	}
	s.ended = true
	for _, f := range s.endings {
		f()
	}
	if s.stream != nil {
		_ = s.stream.Close() // nobody is left to tell
	}
	if s.shared {
		_ = s.ShutdownBoth() // a copy that is forgotten somewhere must not keep it open
	}
	_ = s.Conn.Close()
	if s.dialogue != nil {
		s.Unbind()
	}
	s.worker.leave(s)
}

// OnEnd has f called when the session has ended and was logged.
func (s *Session) OnEnd(f func()) { s.endings = append(s.endings, f) }

// locate finds the site of a connection to a socket that serves several
// addresses.
func (s *Session) locate() {
	if len(s.listener.sites) < 2 || s.greeted || s.origin != nil {
		return
	}
	if local, err := s.LocalAddr(); err == nil {
		s.site = s.listener.siteOf(local)
		s.server = s.site.server
	}
}

// siteOf finds the site of connections to an address.
func (l *Listener) siteOf(local poll.Sockaddr) *site {
	if len(l.sites) > 1 && !local.IsUnix() {
		if found := l.sites[l.addressOf(local)]; found != nil {
			return found
		}
	}
	return l.own
}

// Server is the server that the session is for.
func (s *Session) Server() *Server { return s.server }

// ChooseServer makes the server with that name, in lower case, the one that the
// session is for, if the address that the client connected to has one. It reports
// whether it has.
func (s *Session) ChooseServer(name string) bool {
	found := s.site.find(s, name)
	if found == nil {
		return false
	}
	s.server, s.chosen = found, name
	return true
}

// Peer is the client's address: that of the connection, or what a trusted proxy
// has said about it.
func (s *Session) Peer() poll.Sockaddr { return s.client }

// OriginalPeer is the address of the connection, whatever SetPeer was told.
func (s *Session) OriginalPeer() poll.Sockaddr { return s.peer }

// SetPeer makes addr the client's address from here on.
func (s *Session) SetPeer(addr netip.AddrPort) { s.client, s.changed = poll.SockaddrFrom(addr), true }

// PeerSet reports whether SetPeer was called.
func (s *Session) PeerSet() bool { return s.changed }

// Listening is what the configuration calls the address that the client is
// connected to, and its port; 0 for a unix socket.
func (s *Session) Listening() (text string, port int) {
	if ip := s.site.address.IP(); ip.IsValid() {
		port = int(ip.Port())
	}
	return s.site.address.String(), port
}

// Proxied is what the header of the PROXY protocol has said about the client's
// connection; nil when there was none, or it said nothing.
func (s *Session) Proxied() *proxyproto.Header { return s.said }

// ConnectionNumber is the connection's number in logs.
func (s *Session) ConnectionNumber() uint64 { return s.number }

// Time is the time, as of the last turn of the reactor.
func (s *Session) Time() time.Time { return s.worker.reactor.Now() }

// Tick is the reactor's clock, in milliseconds.
func (s *Session) Tick() int64 { return s.worker.reactor.Tick() }

// Status is how the session has ended; 0 before it has.
func (s *Session) Status() Result { return s.status }

// Variables is what the session remembers of its variables.
func (s *Session) Variables() *variable.State { return &s.vars }

// Scratch is empty and has room for n bytes, which stay valid until the session
// ends.
func (s *Session) Scratch(n int) []byte {
	used := len(s.scratch)
	if cap(s.scratch)-used < n {
		s.scratch = make([]byte, 0, max(n, 256))
		used = 0
	}
	s.scratch = s.scratch[:used+n]
	return s.scratch[used : used : used+n]
}

// View is b as a string that shares its memory: b is not to be written again.
func View(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Context is the state that a feature keeps with s: the same *T for each call,
// zero at first, until s ends. T is a type of the feature's own.
func Context[T any](s *Session) *T {
	for _, c := range s.contexts {
		if known, ok := c.(*T); ok {
			return known
		}
	}
	made := new(T)
	s.contexts = append(s.contexts, made)
	return made
}
