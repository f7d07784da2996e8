package upstream

import (
	"net/netip"
	"time"
)

// A Key is what some methods choose by.
type Key struct {
	Client netip.Addr // ip_hash; not valid: a unix socket
	Text   string     // hash: the value of [Config.HashKey]
	Hint   string     // the SID of a peer that is to be preferred, or empty
}

// Outcome is how the use of a peer ended.
type Outcome uint8

const (
	// Served: the peer did what it should, or it is not known to be at fault.
	Served Outcome = iota
	// Failed counts against the peer: nginx's NGX_PEER_FAILED.
	Failed
	// Passed does not, but the request went on to another one: NGX_PEER_NEXT.
	Passed
)

// A Session is one request's, or connection's, way through a group: the peers
// that it has tried and the one that it is using. It is meant to be embedded by
// value and belongs to one goroutine. The zero value has no group.
type Session struct {
	group   *Group
	roster  *roster
	ring    *ring
	key     Key
	tried   [2]uint64
	more    []uint64 // instead of tried, for more peers
	current *Peer
	left    int   // how many more are worth trying
	took    int64 // ms, of the current peer by the group's metric; 0: unknown
	since   int64 // ms of the wall clock: when it went under way; 0: that does not count

	hash   uint32 // of the methods that have one
	rehash int    // how often hash was made again
	draws  int    // how often these methods and random have missed
}

// Begin makes s a session of g. s may have been used before, but must have no
// current peer.
func (g *Group) Begin(s *Session, key Key) {
	g.mu.Lock()
	r := g.roster
	g.mu.Unlock()
	more := s.more
	*s = Session{group: g, roster: r, ring: &r.ordinary, key: key}
	if n := (max(len(r.ordinary.peers), len(r.backup.peers)) + 63) / 64; n > len(s.tried) {
		if cap(more) < n {
			more = make([]uint64, n)
		}
		s.more = more[:n]
		clear(s.more)
	}
	s.left = r.ordinary.tries + r.backup.tries
	s.seed()
}

// seed is where the methods that compute their choice begin.
func (s *Session) seed() {
	s.hash, s.rehash, s.draws = 0, 0, 0
	switch s.group.method {
	case IPHash:
		s.hash = ipHashSeed
	case ConsistentHash:
		s.startOnCircle()
	}
}

// restart forgets that no peer was found, but not which ones were tried, if these
// were not backups.
func (s *Session) restart() {
	if s.ring == &s.roster.ordinary {
		s.seed()
	}
}

// Group returns what Begin was called on.
func (s *Session) Group() *Group { return s.group }

// Current returns the peer in use, nil when there is none.
func (s *Session) Current() *Peer { return s.current }

// Tries is how many peers are still worth trying: while it is zero there is no
// reason for another Next after a failure.
func (s *Session) Tries() int { return s.left }

// LimitTries makes Tries at most n, as proxy_next_upstream_tries does.
func (s *Session) LimitTries(n int) { s.left = min(s.left, n) }

func (s *Session) bits() []uint64 {
	if s.more != nil {
		return s.more
	}
	return s.tried[:]
}

func (s *Session) hasTried(i int) bool { return s.bits()[i/64]&(1<<(i%64)) != 0 }
func (s *Session) markTried(i int)     { s.bits()[i/64] |= 1 << (i % 64) }

// Next chooses a peer, which becomes the current one, and counts a connection to
// it. The error is [ErrNoLive]. Each Next that succeeds is followed by a Free.
func (s *Session) Next() (*Peer, error) {
	if s.current != nil {
		panic("upstream: Next of a session that has a peer")
	}
	p := s.group.choose(s)
	if p == nil {
		return nil, ErrNoLive
	}
	return p, nil
}

// Metric is which time the group wants to be told by Took; often none.
func (s *Session) Metric() Metric { return s.group.metric }

// Took notes how long the current peer took until what Metric says, for Free with
// [Served]. Failures are not to be noted. See also AtOnce.
func (s *Session) Took(d time.Duration) {
	ms := max(d.Milliseconds(), 1)
	switch {
	case !s.group.inflight:
		s.took = ms
	case s.since != 0:
		s.group.reached(s, ms)
	}
}

// Free ends the use of the current peer. disabled is true when it was taken out
// by this failure, which nginx logs as a warning: "upstream server temporarily
// disabled". Without a current peer nothing happens.
func (s *Session) Free(o Outcome) (disabled bool) {
	p := s.current
	if p == nil {
		return false
	}
	s.current = nil
	if s.roster.single {
		s.left = 0
	} else if s.left > 0 {
		s.left--
	}
	return s.group.free(s, p, o)
}

// Again makes one more try worth while: the one before went to a connection that
// was kept, which the peer may have closed at that moment.
func (s *Session) Again() { s.left++ }

// A Use is what is left of a Session that will try no other peer: it lasts, and
// takes little memory. The zero Use has no peer.
type Use struct {
	group  *Group
	roster *roster
	peer   *Peer
	since  int64
}

// Leave makes s a session without a peer; [Use.Resume] brings it back.
func (s *Session) Leave() Use {
	u := Use{s.group, s.roster, s.current, s.since}
	s.current, s.since = nil, 0
	return u
}

// Resume makes s the session that was left, to be freed.
func (u Use) Resume(s *Session) {
	if u.peer != nil {
		*s = Session{group: u.group, roster: u.roster, ring: &u.roster.ordinary, current: u.peer, since: u.since}
	}
}
