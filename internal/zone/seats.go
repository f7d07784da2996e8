package zone

import (
	"fmt"
	"time"
	"unsafe"
)

// SeatCount is how many seats a zone has.
const SeatCount = 1024

const (
	seatsAt   = pageSize
	seatPages = SeatCount * 8 / pageSize
	linesAt   = seatsAt + seatPages*pageSize
	minPages  = 8

	// LineSize is the size of a seat's line of counters: a line of the
	// processor's cache.
	LineSize = 64

	// LinesSize is the size of a zone with a line for each seat and one more.
	LinesSize = linesAt + (SeatCount+1)*LineSize
)

// Seats tell which processes use a zone, so that what belongs to a dead one can
// be told from the rest: a seat is a small number that one process has until it
// gives it back or dies.
type Seats struct {
	m       *memory
	reclaim func(seat int)
	swept   time.Time
	taken   []int
}

// Seats returns the zone's seats. reclaim, which may be nil, is called for each
// seat that was left, before it is free again. All methods need the zone's lock.
func (z *Zone) Seats(reclaim func(seat int)) *Seats {
	s := &Seats{m: z.mem, reclaim: reclaim}
	z.users = append(z.users, s)
	return s
}

// Take takes a free seat for this process, after it has freed those of the
// dead. [Set.Close] gives it back, and else the end of the process.
func (s *Seats) Take() (seat int, err error) {
	s.sweep()
	for seat := range SeatCount {
		if s.m.word64(seatsAt+seat*8).CompareAndSwap(0, uint64(s.m.self)) {
			s.taken = append(s.taken, seat)
			return seat, nil
		}
	}
	return -1, fmt.Errorf("shared memory zone \"%s\" is in use by %d processes", s.m.name, SeatCount)
}

func (s *Seats) leave(seat int) {
	if s.Owner(seat) == uint64(s.m.self) {
		s.free(seat)
	}
}

// Owner is a number that stands for the process that has the seat, different
// for each process that ever was; 0: nobody.
func (s *Seats) Owner(seat int) uint64 { return s.m.word64(seatsAt + seat*8).Load() }

// sweepEvery bounds how often a process looks which others live.
const sweepEvery = 100 * time.Millisecond

// Sweep frees the seats of the dead, unless this process has just done so, and
// reports whether there were any.
func (s *Seats) Sweep() (freed bool) {
	now := time.Now()
	if now.Sub(s.swept) < sweepEvery {
		return false
	}
	s.swept = now
	return s.sweep()
}

func (s *Seats) sweep() (freed bool) {
	for seat := range SeatCount {
		if o := owner(s.Owner(seat)); o != 0 && o != s.m.self && !o.alive() {
			s.free(seat)
			freed = true
		}
	}
	return freed
}

func (s *Seats) free(seat int) {
	if s.reclaim != nil {
		s.reclaim(seat)
	}
	s.m.word64(seatsAt + seat*8).Store(0)
}

// Lock begins the use of a zone of lines by this goroutine. A zone with a table
// is locked by [Table.Lock].
func (z *Zone) Lock() { z.mem.lock() }

// Unlock ends it.
func (z *Zone) Unlock() { z.mem.unlock() }

// Line is the memory of a seat's counters in a zone of [LinesSize]; that of the
// seat SeatCount is nobody's. It stays mapped as long as the zone is referred to.
func (z *Zone) Line(seat int) unsafe.Pointer {
	at := linesAt + seat*LineSize
	return unsafe.Pointer(&z.mem.data[at : at+LineSize][0])
}

// Mapped reports whether the zone's memory is there.
func (z *Zone) Mapped() bool { return z != nil && z.mem != nil }
