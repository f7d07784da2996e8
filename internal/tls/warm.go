package tls

import (
	"runtime"
	"sync"
)

// maxWarm is how many streams at rest keep their keys ready: about 1.5 kB each.
const maxWarm = 256

// The states of a stream's keys.
const (
	busy   = iota // they are ready, and may be in use
	warm          // the stream is at rest, they are ready
	moving        // somebody else gives them up just now
	cold          // the stream is at rest, they are to be made again
)

// A warmList is the streams that have come to rest last, more or less: one that
// has been used since the hand came by last is passed over.
type warmList struct {
	mu      sync.Mutex // guards what follows, and slot and used of the streams
	streams []*Stream
	hand    int
}

// Rest says that nobody will use s until something comes. A stream that stays at
// rest gives up its keys, unless few others come to rest later.
func (s *Stream) Rest() {
	if s.std != nil || !s.heat.CompareAndSwap(busy, warm) {
		return
	}
	if colder := s.buffers.warm.add(s); colder != nil {
		colder.cool()
	}
}

// wake is the reverse of Rest.
func (s *Stream) wake() {
	for s.heat.Load() != busy {
		switch {
		case s.heat.CompareAndSwap(warm, busy):
		case s.heat.Load() == cold:
			// The keys have been good for this before.
			_ = s.r.Wake()
			_ = s.w.Wake()
			s.heat.Store(busy)
		default:
			runtime.Gosched()
		}
	}
}

func (s *Stream) cool() {
	if s.heat.CompareAndSwap(warm, moving) {
		s.r.Rest()
		s.w.Rest()
		s.heat.Store(cold)
	}
}

// add puts s into the list, and returns who is no more in it.
func (l *warmList) add(s *Stream) (out *Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.slot > 0 {
		s.used = true
		return nil
	}
	if len(l.streams) < maxWarm {
		l.streams = append(l.streams, s)
		s.slot = int32(len(l.streams))
		return nil
	}
	for {
		l.hand = (l.hand + 1) % maxWarm
		out = l.streams[l.hand]
		if out == nil || !out.used {
			break
		}
		out.used = false
	}
	if out != nil {
		out.slot = 0
	}
	l.streams[l.hand] = s
	s.slot, s.used = int32(l.hand+1), false
	return out
}

// remove is for a stream that ends.
func (l *warmList) remove(s *Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.slot > 0 {
		l.streams[s.slot-1] = nil
		s.slot = 0
	}
}
