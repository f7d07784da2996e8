package pool

// maxAside is how many links of a server may wait for clients.
const maxAside = 32

// stall stops reading until c has read more, and makes room for another link.
func (l *link) stall(c *client) {
	w := l.worker
	l.stalled, l.stalledAt = c, w.now
	c.stalls = append(c.stalls, l)
	w.due(w.now + max(l.server.pool.timeout, stallBound))
	if l.aside {
		return
	}
	s := l.server
	if len(s.aside) >= maxAside {
		c.close()
		return
	}
	s.links[l.slot] = nil
	s.aside = append(s.aside, l)
	l.aside = true
	for r := l.head; r != nil; r = r.behind {
		if o := r.client; o != nil {
			r.waits = true
			o.behind++
		}
	}
}

// unstall goes on reading.
func (l *link) unstall() {
	if l.stalled == nil {
		return
	}
	l.stalled = nil
	if !l.closed {
		l.ServeNow()
	}
}

// unlist makes c forget a link that is no more.
func (c *client) unlist(l *link) {
	for i, o := range c.stalls {
		if o == l {
			c.stalls = append(c.stalls[:i], c.stalls[i+1:]...)
			return
		}
	}
}

// unwait lets the client of r send more, when all it has on links set aside was
// answered.
func (l *link) unwait(r *request) {
	if !r.waits {
		return
	}
	r.waits = false
	if c := r.client; c != nil {
		if c.behind--; c.behind == 0 {
			c.markDirty() // flush resumes it
		}
	}
}

// comeBack ends being set aside when everybody has their replies.
func (l *link) comeBack() {
	if !l.aside || l.head != nil || len(l.out) > 0 || l.writing {
		return
	}
	s := l.server
	for i, o := range s.aside {
		if o == l {
			s.aside = append(s.aside[:i], s.aside[i+1:]...)
			break
		}
	}
	if s.links[l.slot] == nil {
		s.links[l.slot] = l
		l.aside = false
		return
	}
	l.retire()
}
