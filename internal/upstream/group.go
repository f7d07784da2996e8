package upstream

import (
	"sync"
	"time"
)

// A Group is peers that stand for each other: a compiled upstream{}, or what a
// single address or name stands for. Its methods may be called from any
// goroutine.
type Group struct {
	name   string
	method Method
	metric Metric
	// inflight: requests count for the metric before it is known.
	inflight bool
	now      func() time.Time
	idle     cache

	ordinary, backup []*Peer   // those that are always there
	sources          []*source // those that are looked up

	mu     sync.Mutex // guards what follows, and Peer.index
	roster *roster
	own    []counts // without a zone, or when it has no room
	shared shared
}

// Single returns the group that stands for these addresses of a host, such as
// those that a variable named or a resolver found. now may be nil.
func Single(name string, addresses []Address, now func() time.Time) *Group {
	s := Server{Name: name, Weight: 1, MaxFails: 1, FailTimeout: 10 * time.Second}
	g := &Group{name: name, now: now}
	if g.now == nil {
		g.now = time.Now
	}
	g.ordinary = newPeers(&s, addresses)
	g.rebuild()
	return g
}

// Name is what nginx logs, and puts into $upstream_addr, when no peer is live.
func (g *Group) Name() string { return g.name }

// setRoster puts r in the place of the present one. Peers that are in both keep
// their counters. Needs g.mu, unless nobody else knows g yet.
func (g *Group) setRoster(r *roster) {
	if g.roster != nil && g.shared.place != nil && g.shared.place.zone.Mapped() {
		g.leaveShared()
	}
	own := make([]counts, r.all())
	for i, p := range r.peers() {
		if g.roster != nil && p.index >= 0 {
			own[i] = g.own[p.index]
		} else {
			own[i].effective = p.weight
		}
	}
	if g.roster != nil {
		for _, p := range g.roster.peers() {
			p.index = -1
		}
	}
	for i, p := range r.peers() {
		p.index = i
	}
	g.roster, g.own = r, own
	if g.shared.place != nil {
		g.shared.key, g.shared.row, g.shared.in = keyOf(g.name, r), "", false
	}
}

// newRoster arranges peers for a method.
func newRoster(m Method, ordinary, backup []*Peer) *roster {
	r := &roster{ordinary: newRing(ordinary, 0), backup: newRing(backup, len(ordinary))}
	r.single = len(ordinary) == 1 && len(backup) == 0
	switch m {
	case ConsistentHash:
		r.points = newPoints(ordinary)
	case Random, RandomTwo:
		r.ranges = newRanges(ordinary)
	}
	return r
}

func newRing(peers []*Peer, first int) ring {
	r := ring{peers: peers, first: first}
	for _, p := range peers {
		r.weight += p.weight
		if !p.down && !p.draining {
			r.tries++
		}
	}
	return r
}

// CloseIdle closes the connections that were kept, and keeps no more.
func (g *Group) CloseIdle() { g.idle.close() }
