package upstream

import (
	"math/rand/v2"
	"sort"
)

// newRanges is where the weight of each peer begins.
func newRanges(peers []*Peer) []int64 {
	ranges := make([]int64, len(peers))
	var sum int64
	for i, p := range peers {
		ranges[i] = sum
		sum += p.weight
	}
	return ranges
}

// draw is a peer at random, by weight.
func (s *Session) draw() int {
	x := rand.Int64N(s.ring.weight)
	ranges := s.roster.ranges
	return sort.Search(len(ranges), func(i int) bool { return ranges[i] > x }) - 1
}

// random is a usable peer at random; with two it is the one of two different ones
// that has fewer connections.
func (s *Session) random(t *table, two bool) int {
	if s.draws > misses || len(s.ring.peers) < 2 || s.ring != &s.roster.ordinary {
		return s.roundRobin(t)
	}
	if i := s.hinted(t); i >= 0 {
		return i
	}
	first := -1
	for {
		i := s.draw()
		switch {
		case i == first || !s.usable(t, i):
			if s.draws++; s.draws > misses {
				return s.roundRobin(t)
			}
		case !two:
			return i
		case first < 0:
			first = i
		case s.busier(t, i, first) > 0:
			return first
		default:
			return i
		}
	}
}
