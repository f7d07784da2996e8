package http

import (
	"net/netip"

	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/variable"
)

// Peer is the client's address: that of the connection, or what a trusted proxy
// has said about it (see [Request.SetPeer]).
func (r *Request) Peer() poll.Sockaddr { return r.client }

// SetPeer makes addr the client's address for the rest of the request: for
// variables, logs, access rules and all others who ask [Request.Peer].
func (r *Request) SetPeer(addr netip.AddrPort) {
	r.client = poll.SockaddrFrom(addr)
	r.peerSet = true
}

// PeerSet reports whether SetPeer was called.
func (r *Request) PeerSet() bool { return r.peerSet }

// OriginalAddr and OriginalPort are the address of the connection as variables
// show it, whatever SetPeer was told. The port is empty when there is none.
func (r *Request) OriginalAddr() string { return variable.Address(r, r.conn.peer) }

// OriginalPort is described at OriginalAddr.
func (r *Request) OriginalPort() string { return variable.Port(r, r.conn.peer.Port()) }

// ForwardedFor appends the lines of X-Forwarded-For, in the order in which they
// were received.
func (r *Request) ForwardedFor(dst []string) []string { return r.HeaderLines(dst, "x_forwarded_for") }
