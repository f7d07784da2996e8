package upstream

// Resume makes the peer with that address the current one, as Next does with the
// one that it chooses, for a connection that another worker has opened: max_conns
// and least_conn count it here from now on, until Free. It reports false, and there
// is no current peer, when the group has no such peer.
func (s *Session) Resume(address string) bool {
	if s.current != nil {
		panic("upstream: Resume of a session that has a peer")
	}
	g := s.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.roster != g.roster {
		return false
	}
	for _, ring := range []*ring{&s.roster.ordinary, &s.roster.backup} {
		for i, p := range ring.peers {
			if p.Address.Name == address {
				s.ring = ring
				t := g.lock()
				s.count(&t, i)
				g.unlock()
				return true
			}
		}
	}
	return false
}

// count makes peer i of the session's ring the current one.
func (s *Session) count(t *table, i int) *Peer {
	p := s.ring.peers[i]
	t.counts[p.index].conns++
	p.mine++
	if p.index < len(t.row) {
		t.row[p.index] = p.mine
	}
	s.markTried(i)
	s.current = p
	return p
}
