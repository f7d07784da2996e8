package limit

import (
	"encoding/binary"

	"github.com/baton-project/baton/internal/zone"
)

// A Count lets so many things be at once for each key. Every process's things
// are counted apart, so that those of a process that died are nobody's.
type Count struct {
	Zone *zone.Zone

	// Under the zone's lock:
	seats *zone.Seats
	seat  int   // of this process
	err   error // why it has none
}

// A share is what one process has of a key; a key's value is a row of them.
const (
	shareSeat  = 0 // uint16: the process's seat
	shareCount = 2 // uint16
	shareOwner = 4 // uint32: who had that seat
	shareSize  = 8
)

// MaxCount is the largest limit.
const MaxCount = 1<<16 - 1

// searches bounds how many keys are looked at for one that nobody uses.
const searches = 64

// Take counts one more of key unless there are limit of them. Each that has
// Passed is given back by [Count.Give].
func (c *Count) Take(key string, limit int) Verdict {
	t := c.Zone.Table()
	t.Lock()
	defer t.Unlock()
	if c.seats == nil {
		c.sit()
	}
	if c.err != nil {
		return Full
	}
	e, known := t.Find(key)
	if !known {
		if e, known = c.insert(t, key); !known {
			return Full
		}
	}
	if c.total(e) >= limit && !(c.seats.Sweep() && c.total(e) < limit) {
		return Exceeded
	}
	t.Touch(e)
	return c.add(t, e, key)
}

// Give ends what Take has counted.
func (c *Count) Give(key string) {
	t := c.Zone.Table()
	t.Lock()
	defer t.Unlock()
	if c.seats == nil {
		return
	}
	e, known := t.Find(key)
	if !known {
		return // the table was emptied
	}
	for row := e.Value(); len(row) >= shareSize; row = row[shareSize:] {
		if n := c.of(row); n > 0 && c.mine(row) {
			setShare(row, c.seat, n-1, c.owner(c.seat))
			break
		}
	}
	if c.total(e) == 0 {
		t.Delete(e)
	}
}

// sit needs the zone's lock.
func (c *Count) sit() {
	c.seats = c.Zone.Seats(nil)
	c.seat, c.err = c.seats.Take()
}

// total is how many there are.
func (c *Count) total(e zone.Entry) (n int) {
	for row := e.Value(); len(row) >= shareSize; row = row[shareSize:] {
		n += c.of(row)
	}
	return n
}

// of is the count of a share; none when its process is gone.
func (c *Count) of(share []byte) int {
	seat := int(binary.NativeEndian.Uint16(share[shareSeat:]))
	if seat >= zone.SeatCount || binary.NativeEndian.Uint32(share[shareOwner:]) != c.owner(seat) {
		return 0
	}
	return int(binary.NativeEndian.Uint16(share[shareCount:]))
}

func (c *Count) mine(share []byte) bool {
	return int(binary.NativeEndian.Uint16(share[shareSeat:])) == c.seat
}

// owner is short for who has a seat.
func (c *Count) owner(seat int) uint32 {
	o := c.seats.Owner(seat)
	return uint32(o)*2654435761 ^ uint32(o>>32)
}

func setShare(share []byte, seat, n int, owner uint32) {
	binary.NativeEndian.PutUint16(share[shareSeat:], uint16(seat))
	binary.NativeEndian.PutUint16(share[shareCount:], uint16(n))
	binary.NativeEndian.PutUint32(share[shareOwner:], owner)
}

// add counts one more of this process.
func (c *Count) add(t *zone.Table, e zone.Entry, key string) Verdict {
	var free []byte
	for row := e.Value(); len(row) >= shareSize; row = row[shareSize:] {
		switch n := c.of(row); {
		case n > 0 && c.mine(row):
			if n == MaxCount {
				return Full
			}
			setShare(row, c.seat, n+1, c.owner(c.seat))
			return Passed
		case n == 0 && free == nil:
			free = row[:shareSize]
		}
	}
	if free == nil {
		if free = c.grow(t, e, key); free == nil {
			return Full
		}
	}
	setShare(free, c.seat, 1, c.owner(c.seat))
	return Passed
}

// grow makes the row of shares longer and returns the first new one.
func (c *Count) grow(t *zone.Table, e zone.Entry, key string) []byte {
	old := e.Value()
	larger, ok := t.Insert(key, zone.Room(len(key), 2*len(old)+shareSize))
	if !ok {
		return nil
	}
	copy(larger.Value(), old)
	at := len(old) / shareSize * shareSize
	t.Delete(e)
	return larger.Value()[at : at+shareSize]
}

// insert makes a row for key, as long as the cell is anyway. Keys that only dead
// processes had are removed on the way.
func (c *Count) insert(t *zone.Table, key string) (e zone.Entry, ok bool) {
	size := zone.Room(len(key), shareSize)
	c.forget(t)
	for range searches {
		if e, ok = t.Insert(key, size); ok {
			break
		}
		c.forget(t)
	}
	return e, ok
}

// forget removes the oldest key if nobody uses it; else it is the oldest no more.
func (c *Count) forget(t *zone.Table) {
	e, ok := t.Oldest()
	switch {
	case !ok:
	case c.total(e) == 0:
		t.Delete(e)
	default:
		t.Touch(e)
	}
}
