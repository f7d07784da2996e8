package upstream

// leastConn is the peer with the fewest connections for its weight, or with
// least_time, the one that will probably be done with them first; among equal
// ones, round robin.
func (s *Session) leastConn(t *table) int {
	if s.roster.single {
		return s.roundRobin(t)
	}
	if i := s.hinted(t); i >= 0 {
		return i
	}
	best, many := -1, false
	for i := range s.ring.peers {
		if !s.usable(t, i) {
			continue
		}
		if s.group.inflight {
			c := s.counts(t, i)
			c.underWay.look(t.milli, c.conns)
		}
		switch order := s.busier(t, i, best); {
		case order < 0:
			best, many = i, false
		case order == 0:
			many = true
		}
	}
	if !many {
		return best
	}
	return s.amongEqual(t, best)
}

// busier is negative when peer i has fewer connections for its weight than best,
// which may be -1, and 0 when it has as many.
func (s *Session) busier(t *table, i, best int) int64 {
	if best < 0 {
		return -1
	}
	a, b := s.counts(t, i), s.counts(t, best)
	p, q := s.ring.peers[i], s.ring.peers[best]
	return s.load(t, p, a)*q.slowed(b, t, q.weight*scale) - s.load(t, q, b)*p.slowed(a, t, p.weight*scale)
}

// load is what a peer has to do: its connections, or with least_time the
// milliseconds that they and one more will take.
func (s *Session) load(t *table, p *Peer, c *counts) int64 {
	if s.group.method != LeastTime {
		return int64(c.conns)
	}
	const (
		most  = 5000 // all that take longer are equally bad
		alike = 20   // differences within so many are none
	)
	took := c.took
	if idle := t.now - c.checked; idle > p.failTimeout {
		took >>= min(idle/(p.failTimeout+1), 62) // a slow peer gets another chance
	}
	if c.underWay.number > 0 {
		took = max(took, c.underWay.average)
	}
	if took > most {
		took = most
	} else {
		took += alike - took%alike
	}
	return took * (1 + int64(c.conns))
}

// amongEqual is round robin among the peers that are as busy as the first one of
// them.
func (s *Session) amongEqual(t *table, first int) int {
	best := first
	var total int64
	for i := first; i < len(s.ring.peers); i++ {
		if !s.usable(t, i) || s.busier(t, i, first) != 0 {
			continue
		}
		if w := s.weigh(t, i, best, &total); w != best {
			best = w
		}
	}
	s.counts(t, best).current -= total
	return best
}
