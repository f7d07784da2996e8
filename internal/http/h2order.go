package http

import (
	"github.com/baton-project/baton/internal/poll"
)

// Streams that have something to send, while the connection's window or its buffer
// has no room, stand in h.waiting. When there is room the first of them is woken,
// and each wakes the next one when it leaves.

// prioritize notes what the client says about the order of streams.
func (h *h2Conn) prioritize(id, depends uint32, weight uint16, exclusive bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.tree.Known() {
		for open := range h.streams {
			h.tree.Open(open)
		}
	}
	h.tree.Depend(id, depends, weight, exclusive)
}

// before reports whether s is to send before other. Those that are equal go in the
// order in which they came. h.mu is held.
func (s *h2Stream) before(other *h2Stream) bool {
	return s.h.tree.Known() && s.h.tree.Before(s.id, other.id)
}

// isNext reports whether nobody who waits is to send before s. h.mu is held.
func (s *h2Stream) isNext() bool {
	waiting := s.h.waiting
	return len(waiting) == 0 || waiting[0] == s || !s.waiting && !waiting[0].before(s)
}

// joinQueue has s wait. h.mu is held.
func (s *h2Stream) joinQueue() {
	h := s.h
	if s.waiting {
		return
	}
	s.waiting = true
	h.waiting = append(h.waiting, s)
	for i := len(h.waiting) - 1; i > 0 && s.before(h.waiting[i-1]); i-- {
		h.waiting[i-1], h.waiting[i] = h.waiting[i], h.waiting[i-1]
	}
}

// rejoinQueue has s wait for room when all it has waited for is its own window.
// h.mu is held.
func (s *h2Stream) rejoinQueue() {
	if s.exhausted && s.sendWindow > 0 {
		s.exhausted = false
		s.joinQueue()
		s.h.wakeNext()
	}
}

// leaveQueue has s wait no longer, and the next one look. h.mu is held.
func (s *h2Stream) leaveQueue() {
	if !s.waiting {
		return
	}
	h := s.h
	s.waiting = false
	for i, other := range h.waiting {
		if other == s {
			h.waiting = append(h.waiting[:i], h.waiting[i+1:]...)
			break
		}
	}
	h.wakeNext()
}

// wakeNext wakes the first of those that wait for room or for the connection's
// window. h.mu is held.
func (h *h2Conn) wakeNext() {
	if len(h.waiting) > 0 {
		h.waiting[0].conn.Report(poll.Room)
	}
}
