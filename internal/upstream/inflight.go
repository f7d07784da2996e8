package upstream

// With "inflight" least_time does not wait until slow requests are done: how long
// those have taken that are under way counts, on average, when that is more than
// what others took.

// underWay is the requests of one peer that are not done, or with a metric that is
// known earlier, not so far.
type underWay struct {
	number  uint32
	_       uint32
	sum     int64 // ms that they had taken
	at      int64 // ms of the wall clock: when sum was right
	average int64 // ms, as [counts.took]
}

// advance makes sum right now.
func (u *underWay) advance(now int64) {
	if passed := now - u.at; u.number > 0 && passed > 0 {
		u.sum = sane(u.sum) + sane(passed)*int64(u.number)
	}
	u.at = now
}

func (u *underWay) begin(now int64) {
	u.advance(now)
	u.number++
}

// end takes out a request that has taken so many ms.
func (u *underWay) end(now, took int64) {
	if u.number <= 1 {
		u.number, u.sum = 0, 0
		return
	}
	u.advance(now)
	u.number--
	u.sum = max(sane(u.sum)-took, 0)
}

// look takes the present into the average. There are no more requests under way
// than connections: others were those of a worker that was killed.
func (u *underWay) look(now int64, conns uint32) {
	if u.number > conns {
		u.sum = sane(u.sum) / int64(u.number) * int64(conns)
		u.number = conns
	}
	if u.number > 0 {
		u.average = averaged(u.average, sane(u.sum)/int64(u.number)+max(sane(now-u.at), 0))
	}
}

// sane bounds what stands in a zone, where anything may.
func sane(ms int64) int64 { return min(max(ms, 0), 1<<40) }

// averaged is the average after another time, which counts for a twentieth.
func averaged(average, ms int64) int64 {
	if average > 0 && average < 1<<40 {
		return int64(0.5 + float64(ms)*0.05 + float64(average)*0.95)
	}
	return ms
}

// AtOnce reports whether the group waits to be told by Took, as soon as the time is
// known and not only before Free. What it is told again is nothing new.
func (s *Session) AtOnce() bool { return s.since != 0 }

// reached is Took of a group that wants to know at once.
func (g *Group) reached(s *Session, ms int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := s.current
	if p == nil || p.index < 0 {
		return
	}
	t := g.lock()
	defer g.unlock()
	c := &t.counts[p.index]
	c.took = averaged(c.took, ms)
	c.underWay.end(t.milli, ms)
	s.since = 0
}
