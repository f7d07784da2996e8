// Package metrics has the counters of a server, over all its workers: they are
// right across reloads, deaths of workers and changes of the binary.
//
// Each worker counts in a line of its own, so that counting is an addition in
// its own cache. What a worker has counted in its life is added to a common
// line when it is gone; what it had open is gone with it.
package metrics

import (
	"sync/atomic"
	"unsafe"

	"github.com/baton-project/baton/internal/zone"
)

// Counters are one worker's. Sums over its life and what is open now.
type Counters struct {
	Accepted, Handled, Requests atomic.Uint64
	Active                      atomic.Int64 // open client connections
	Reading, Writing            atomic.Int64 // of Active

	_ [zone.LineSize - 6*8]byte
}

// Totals are the counters of all workers together.
type Totals struct {
	Accepted, Handled, Requests uint64
	Active                      int64
	Reading, Writing, Waiting   int64 // of Active
}

// Name is the zone's. A directive cannot name it so: a colon ends names there.
const Name = ":status"

// A Board is the counters of one http{} or stream{}.
type Board struct {
	zone  *zone.Zone
	seats *zone.Seats
}

// Declare adds the zone of a board to zones.
func Declare(zones *zone.Set) (*Board, error) {
	z, _, err := zones.Declare(zone.Spec{Name: Name, Tag: "status", Size: zone.LinesSize})
	if err != nil {
		return nil, err
	}
	return &Board{zone: z}, nil
}

// Seat returns counters for one worker of this process, until the set of zones
// is closed. The zone must be mapped.
func (b *Board) Seat() (*Counters, error) {
	b.zone.Lock()
	defer b.zone.Unlock()
	if b.seats == nil {
		b.seats = b.zone.Seats(b.reclaim)
	}
	seat, err := b.seats.Take()
	if err != nil {
		return nil, err
	}
	b.reclaim(seat) // a worker that was stopped may have counted after it left
	return b.line(seat), nil
}

// line is the counters of a seat; those of zone.SeatCount are of all that are
// gone.
func (b *Board) line(seat int) *Counters { return (*Counters)(b.zone.Line(seat)) }

// reclaim adds what the last owner of a seat has counted to the common line.
func (b *Board) reclaim(seat int) {
	from, to := b.line(seat), b.line(zone.SeatCount)
	to.Accepted.Add(from.Accepted.Swap(0))
	to.Handled.Add(from.Handled.Swap(0))
	to.Requests.Add(from.Requests.Swap(0))
	from.Active.Store(0)
	from.Reading.Store(0)
	from.Writing.Store(0)
}

// Totals adds up. Seats are taken from the lowest on, and none of them is ever
// negative for long; what is asked for in the middle of a change may be off by
// one.
func (b *Board) Totals() Totals {
	b.zone.Lock()
	defer b.zone.Unlock()
	var t Totals
	t.add(b.line(zone.SeatCount))
	b.seats.Sweep()
	for seat := range zone.SeatCount {
		if b.seats.Owner(seat) != 0 {
			t.add(b.line(seat))
		}
	}
	t.Waiting = max(0, t.Active-t.Reading-t.Writing)
	return t
}

// Totals are these counters alone.
func (c *Counters) Totals() Totals {
	var t Totals
	t.add(c)
	t.Waiting = max(0, t.Active-t.Reading-t.Writing)
	return t
}

func (t *Totals) add(c *Counters) {
	t.Accepted += c.Accepted.Load()
	t.Handled += c.Handled.Load()
	t.Requests += c.Requests.Load()
	t.Active += c.Active.Load()
	t.Reading += c.Reading.Load()
	t.Writing += c.Writing.Load()
}

// A line has room for the counters, neither more nor less.
var _ [zone.LineSize]byte = [unsafe.Sizeof(Counters{})]byte{}
