package stream

import (
	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/wire/proxyproto"
)

// A Passage is a client's connection on its way from its session to another
// listening socket of the worker, as if it had been accepted there.
type Passage struct {
	Socket *fd.Owned      // the taker's
	Local  listen.Address // what the client counts as connected to
	Peer   poll.Sockaddr  // the client's address
	Number uint64         // of the connection, for logs
	Said   *proxyproto.Header
	Ahead  []byte      // came from the client and was not used
	TLS    *tls.Stream // between client and socket; nil: none
	Ended  []func()    // to be called when the connection ends
	Passes int         // how often it was passed on
}

// A Port is a listening socket of the worker that takes connections over.
type Port struct {
	Address listen.Address
	// Take reports false, and has done nothing, when it takes nobody any more.
	Take func(Passage) bool
}

// maxPasses is how often a connection may be passed on.
const maxPasses = 10

// origin is where a session comes from that began with a Passage.
type origin struct {
	local  listen.Address // what the client counts as connected to
	passes int            // how often it was passed on
}

// Beside makes the listening sockets of others in the worker known, to which
// sessions may be passed. It is called before Listen.
func (w *Worker) Beside(ports []Port) { w.beside = ports }

// portAt finds who listens at address; nil for nobody. As in nginx a socket for
// all addresses of a family takes those with its port.
func (w *Worker) portAt(address listen.Address) (found *Port) {
	try := func(p Port) {
		switch ip := p.Address.IP(); {
		case p.Address.Datagram():
		case p.Address.Datagram():
		case p.Address == address:
			found = &p
		case found == nil && ip.IsValid() && ip.Addr().IsUnspecified() && ip.Port() == address.IP().Port() &&
			ip.Addr().Is4() == address.IP().Addr().Is4():
			found = &p
		}
	}
	for _, l := range w.main.listeners {
		try(Port{l.Spec.Address, func(p Passage) bool { return w.take(l, p) }})
	}
	for _, p := range w.beside {
		try(p)
	}
	return found
}

// MayPass reports whether the session may be passed on once more.
func (s *Session) MayPass() bool { return s.origin == nil || s.origin.passes < maxPasses }

// PassTo gives the client's connection to the socket of this worker that listens at
// address, and reports whether there is one: the session is over then, without a
// line in the access log.
func (s *Session) PassTo(address listen.Address) bool {
	port := s.worker.portAt(address)
	if port == nil {
		return false
	}
	p := Passage{
		Local: address, Peer: s.client, Number: s.number, Said: s.said, Ahead: s.ahead, TLS: s.stream, Ended: s.endings, Passes: 1,
	}
	if s.origin != nil {
		p.Passes += s.origin.passes
	}
	if p.Socket = s.Detach(); p.Socket == nil {
		return false
	}
	if !port.Take(p) {
		s.worker.reactor.Add(&s.Conn, p.Socket.Take(), s)
		return false
	}
	s.ended = true
	s.worker.leave(s)
	return true
}

// take begins a session with a connection that was passed on.
func (w *Worker) take(l *Listener, p Passage) bool {
	at := l.own
	if found := l.sites[p.Local]; found != nil {
		at = found
	}
	s := w.newSession(l, p.Peer)
	s.site, s.server, s.number = at, at.server, p.Number
	s.said, s.ahead, s.stream, s.endings, s.origin = p.Said, p.Ahead, p.TLS, p.Ended, &origin{p.Local, p.Passes}
	w.reactor.Add(&s.Conn, p.Socket.Take(), s)
	if s.stream != nil {
		s.stream.SetSocket(&s.Conn)
	}
	w.enter(s)
	s.logConnected()
	s.ServeNow()
	return true
}

// LocalAddr is the address that the client is connected to, or sends to, or counts
// as connected to.
func (s *Session) LocalAddr() (poll.Sockaddr, error) {
	switch {
	case s.dialogue != nil:
		return s.dialogue.route.to, nil
	case s.origin != nil:
		return s.origin.local.Sockaddr(), nil
	}
	return s.Conn.LocalAddr()
}
