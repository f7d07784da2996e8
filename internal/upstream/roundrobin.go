package upstream

// roundRobin is nginx's smooth weighted round robin over the usable peers: each
// gets its weight, the one that has most is chosen and pays what all have got.
func (s *Session) roundRobin(t *table) int {
	if s.roster.single {
		p := s.ring.peers[0]
		if p.down || p.draining && s.key.Hint != p.SID || p.full(t) {
			return -1
		}
		return 0
	}
	hinted := s.hinted(t)
	if hinted >= 0 && s.counts(t, hinted).current <= -scale*(s.ring.weight-s.ring.peers[hinted].weight) {
		return hinted // it has been preferred enough to be no longer counted
	}
	best := -1
	var total int64
	for i := range s.ring.peers {
		if s.usable(t, i) {
			best = s.weigh(t, i, best, &total)
		}
	}
	if hinted >= 0 {
		best = hinted
	}
	if best >= 0 {
		s.counts(t, best).current -= total
	}
	return best
}

func (s *Session) counts(t *table, i int) *counts { return &t.counts[s.ring.peers[i].index] }

// scale is by how much the weights of round robin are multiplied, so that a part
// of a weight of 1 is something.
const scale = 1 << 10

// weigh gives peer i its weight and returns the one of it and best that has more.
func (s *Session) weigh(t *table, i, best int, total *int64) int {
	p, c := s.ring.peers[i], s.counts(t, i)
	w := p.slowed(c, t, c.effective*scale)
	c.current += w
	*total += w
	if c.effective < p.weight {
		c.effective++
	}
	if best < 0 || c.current > s.counts(t, best).current {
		return i
	}
	return best
}

// slowed is as much of weight as the peer may have while it starts slowly.
func (p *Peer) slowed(c *counts, t *table, weight int64) int64 {
	if p.slowStart == 0 || c.started == 0 {
		return weight
	}
	since := t.milli - c.started
	if since < 0 || since >= p.slowStart {
		c.started = 0
		return weight
	}
	return max(int64(float64(weight)*float64(since)/float64(p.slowStart)), 1)
}

// hinted is the peer that the session's hint names, if it may be used; -1: none.
func (s *Session) hinted(t *table) int {
	if s.key.Hint == "" {
		return -1
	}
	for i, p := range s.ring.peers {
		if p.SID == s.key.Hint {
			if s.hasTried(i) || p.down || !p.live(t) {
				return -1
			}
			return i
		}
	}
	return -1
}
