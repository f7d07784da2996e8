package upstream

// table is a group's counters while they are locked.
type table struct {
	counts []counts
	row    []uint32 // in a zone: how many connections are this worker's
	now    int64    // seconds of the wall clock
	milli  int64
}

// counters are those of this worker alone.
func (g *Group) counters() table {
	now := g.now()
	return table{counts: g.own, now: now.Unix(), milli: now.UnixMilli()}
}

// choose is Next.
func (g *Group) choose(s *Session) *Peer {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.roster != g.roster {
		return nil // as nginx: what was tried says nothing about the new peers
	}
	if g.shared.place != nil && g.shared.place.zone.Mapped() {
		p := g.chooseShared(s)
		if p == nil && !g.shared.whole {
			p = g.chooseShared(s) // the table was damaged, and is empty now
		}
		return p
	}
	t := g.counters()
	return s.pick(&t)
}

// pick chooses a peer and makes it the current one; nil: there is none.
func (s *Session) pick(t *table) *Peer {
	i := s.choose(t)
	if i < 0 && s.ring == &s.roster.ordinary && len(s.roster.backup.peers) > 0 {
		s.ring = &s.roster.backup
		clear(s.bits())
		i = s.choose(t)
	}
	if i < 0 {
		return nil
	}
	p := s.ring.peers[i]
	c := &t.counts[p.index]
	if s.group.inflight && !s.roster.single {
		c.underWay.begin(t.milli)
		s.since = max(t.milli, 1)
	}
	if t.now-c.checked > p.failTimeout {
		c.checked = t.now
	}
	return s.count(t, i)
}

// choose returns a peer's place in s.ring; -1: there is none.
func (s *Session) choose(t *table) int {
	if len(s.ring.peers) == 0 {
		return -1
	}
	switch s.group.method {
	case LeastConn, LeastTime:
		return s.leastConn(t)
	case IPHash:
		return s.addressHash(t)
	case Hash:
		return s.hashed(t)
	case ConsistentHash:
		return s.onCircle(t)
	case Random, RandomTwo:
		return s.random(t, s.group.method == RandomTwo)
	}
	return s.roundRobin(t)
}

// usable reports whether peer i of the session's ring may be used now.
func (s *Session) usable(t *table, i int) bool {
	p := s.ring.peers[i]
	return !s.hasTried(i) && !p.down && !p.draining && p.live(t)
}

// live reports whether the peer did not fail too often and has room.
func (p *Peer) live(t *table) bool {
	c := &t.counts[p.index]
	if p.maxFails != 0 && c.fails >= p.maxFails && t.now-c.checked <= p.failTimeout {
		return false
	}
	return !p.full(t)
}

// full reports whether max_conns is reached.
func (p *Peer) full(t *table) bool { return p.maxConns != 0 && t.counts[p.index].conns >= p.maxConns }

// free is Free.
func (g *Group) free(s *Session, p *Peer, o Outcome) (disabled bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.index < 0 {
		return false // it is no peer any more
	}
	if p.mine > 0 {
		p.mine--
	}
	t := g.lock()
	defer g.unlock()
	return s.settle(&t, p, o)
}

// settle notes how the use of a peer ended.
func (s *Session) settle(t *table, p *Peer, o Outcome) (disabled bool) {
	c := &t.counts[p.index]
	if c.conns > 0 {
		c.conns--
	}
	if p.index < len(t.row) {
		t.row[p.index] = p.mine
	}
	if s.since != 0 {
		c.underWay.end(t.milli, max(t.milli-s.since, 0))
	}
	if o == Served && s.took > 0 {
		c.took = averaged(c.took, s.took)
	}
	s.took, s.since = 0, 0
	switch {
	case s.roster.single:
		c.fails = 0
	case o == Failed:
		c.fails++
		c.accessed, c.checked = t.now, t.now
		if p.maxFails == 0 {
			break
		}
		c.effective -= p.weight / int64(p.maxFails)
		c.effective = max(c.effective, 0)
		return c.fails >= p.maxFails
	case c.accessed < c.checked:
		if p.slowStart != 0 && p.maxFails != 0 && c.fails >= p.maxFails {
			c.started = t.milli
		}
		c.fails = 0
	}
	return false
}
