package upstream

import (
	"errors"
	"slices"
	"time"
)

// ErrNoLive means that no server may be used now. Logged as "no live upstreams",
// and in $upstream_addr stands the group's name.
var ErrNoLive = errors.New("no live upstreams")

// A Peer is one address of a server. It must not be changed.
type Peer struct {
	Address Address
	// Server is what the configuration calls it; equal for all addresses of a
	// server directive.
	Server string
	// SID stands for the peer in a hint.
	SID string

	weight      int64
	maxConns    uint32
	maxFails    uint32
	failTimeout int64 // seconds
	slowStart   int64 // ms
	down        bool
	draining    bool
	backup      bool

	// index is the peer's place in the group's present counters, -1 when it
	// was taken out, and mine how many connections of this worker it has. The
	// group's mutex guards them.
	index int
	mine  uint32
}

// counts is what is counted of one peer: in a worker's own memory, or in a zone,
// where anything may stand.
type counts struct {
	current   int64 // weights
	effective int64
	accessed  int64 // seconds of the wall clock: the last failure
	checked   int64 // ... the last failure, or use after one
	started   int64 // ms of the wall clock: when slow start began; 0: it is over
	took      int64 // ms, on average, by the group's metric
	fails     uint32
	conns     uint32
	underWay  underWay
}

// ring is peers that are tried together: the ordinary ones, or the backups.
type ring struct {
	peers  []*Peer
	first  int // index of the first one in the counters
	weight int64
	tries  int
}

// roster is all peers of a group at one time. It is never written again.
type roster struct {
	ordinary ring
	backup   ring
	single   bool    // one ordinary peer and no backup: failures do not count
	points   []point // of the ordinary ones, for the method that needs them
	ranges   []int64 // ...
}

// peers are all of them, in the order of the counters.
func (r *roster) peers() []*Peer {
	return append(slices.Clip(r.ordinary.peers), r.backup.peers...)
}

func (r *roster) all() int { return len(r.ordinary.peers) + len(r.backup.peers) }

// newPeers makes the peers of a server directive.
func newPeers(s *Server, addresses []Address) []*Peer {
	peers := make([]*Peer, len(addresses))
	for i, a := range addresses {
		peers[i] = &Peer{
			Address: a, Server: s.Name, SID: sidOf(s, a),
			weight:      int64(s.Weight),
			maxConns:    clip(s.MaxConns),
			maxFails:    clip(s.MaxFails),
			failTimeout: int64(s.FailTimeout / time.Second),
			slowStart:   s.SlowStart.Milliseconds(),
			index:       -1,
			down:        s.Down, draining: s.Draining, backup: s.Backup,
		}
	}
	return peers
}

func clip(n int) uint32 { return uint32(min(max(n, 0), 1<<31-1)) }
