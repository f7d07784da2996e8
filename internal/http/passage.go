package http

import (
	"net/netip"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/wire/proxyproto"
)

// A Passage is a client's connection that another listening socket of the worker
// has accepted.
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

// passed is what a connection knows that began with a Passage.
type passed struct {
	local listen.Address // what the client counts as connected to
	ended []func()
}

// end says that the connection is no more, or another worker's.
func (p *passed) end() {
	if p == nil {
		return
	}
	for _, f := range p.ended {
		f()
	}
	p.ended = nil
}

// Take serves a connection as if l had accepted it. It reports false, and has done
// nothing, when a draining worker has no connection any more: nobody would wait
// for this one.
func (w *Worker) Take(l *Listener, p Passage) bool {
	if !w.enter() {
		return false
	}
	c := &Conn{
		worker: w, listener: l, site: l.siteOf(p.Local.Sockaddr()), located: true, peer: p.Peer, number: p.Number,
		accepted: w.reactor.Tick(), said: p.Said, passed: &passed{p.Local, p.Ended},
	}
	if len(p.Ahead) > 0 {
		c.kept = &kept{ahead: p.Ahead}
	}
	c.setDebug()
	w.reactor.Add(&c.Conn, p.Socket.Take(), c)
	if p.TLS != nil {
		p.TLS.SetSocket(&c.Conn)
		c.secured = &secured{stream: p.TLS, server: c.site.server}
	}
	c.ServeNow() // something may have been read, by TLS too
	return true
}

// enter counts a connection. It reports false when the worker has ended.
func (w *Worker) enter() bool {
	w.mu.Lock() // of left
	defer w.mu.Unlock()
	select {
	case <-w.empty:
		return false
	default:
	}
	w.stats.Active.Add(1)
	w.stats.Accepted.Add(1)
	w.stats.Handled.Add(1)
	return true
}

// peerText is the client's address for a record; empty for a unix socket's.
func (c *Conn) peerText() string {
	if c.peer.IsUnix() {
		return ""
	}
	return netip.AddrPortFrom(c.peer.Addr(), uint16(c.peer.Port())).String()
}

// passed is what a record says of the Passage that its connection began with; nil:
// there was none.
func (s *connState) passed() (*passed, error) {
	if s.Local == "" {
		return nil, nil
	}
	local, err := listen.ParseAddress(s.Local)
	return &passed{local: local}, err
}

// peer is the client's address by the record, if that has one.
func (s *connState) peer(known poll.Sockaddr) poll.Sockaddr {
	if told, err := netip.ParseAddrPort(s.Peer); err == nil {
		return poll.SockaddrFrom(told)
	}
	return known
}
