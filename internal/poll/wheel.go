package poll

import (
	"math/bits"
	"sync/atomic"
)

// A wheel holds timers in slots of growing width: level 0 has 64 slots of a
// millisecond, level 1 has 64 of 64 ms, and so on. A timer lies on the lowest
// level that reaches its time. When the time reaches a slot, its timers move
// to lower levels, and from level 0 they expire: each is touched at most once
// per level, and adding and removing take constant time and no memory.
//
// All methods need the reactor's mutex.
type wheel struct {
	now    int64 // everything up to this tick has expired
	levels [wheelLevels]wheelLevel
}

const (
	wheelLevels = 5 // reach 64^5 ms, 12 days; what lies beyond goes round again
	wheelBits   = 6 // per level: 64 slots, one bit each in a word
	wheelMask   = 1<<wheelBits - 1
)

type wheelLevel struct {
	used  uint64 // bit i is set when slots[i] may hold something
	slots [1 << wheelBits]*Conn
}

// A timer is the part of a Conn that the wheel keeps.
type timer struct {
	next *Conn
	at   **Conn       // what points to this Conn; nil when not in the wheel
	due  atomic.Int64 // tick of the entry in the wheel, 0 for none
}

// add puts c at tick due, moving it when it is in the wheel already.
func (w *wheel) add(c *Conn, due int64) {
	w.remove(c)
	c.timer.due.Store(due)
	level, slot := w.place(max(due, w.now+1))
	l := &w.levels[level]
	head := &l.slots[slot]
	c.timer.next, c.timer.at = *head, head
	if c.timer.next != nil {
		c.timer.next.timer.at = &c.timer.next
	}
	*head = c
	l.used |= 1 << slot
}

func (w *wheel) place(due int64) (level int, slot int64) {
	for level = range wheelLevels {
		shift := level * wheelBits
		if due>>shift-w.now>>shift <= wheelMask {
			return level, due >> shift & wheelMask
		}
	}
	const top = (wheelLevels - 1) * wheelBits
	return wheelLevels - 1, (w.now>>top + wheelMask) & wheelMask
}

// remove takes c out, if it is in. The slot's bit stays: at worst the loop
// wakes once for nothing.
func (w *wheel) remove(c *Conn) {
	t := &c.timer
	if t.at == nil {
		return
	}
	*t.at = t.next
	if t.next != nil {
		t.next.timer.at = t.at
	}
	t.next, t.at = nil, nil
	t.due.Store(0)
}

// next returns the tick at which the wheel wants to be advanced, false when it
// is empty.
func (w *wheel) next() (tick int64, ok bool) {
	for level := range wheelLevels {
		used := w.levels[level].used
		if used == 0 {
			continue
		}
		shift := level * wheelBits
		current := w.now >> shift
		ahead := bits.TrailingZeros64(bits.RotateLeft64(used, -int(current+1)&wheelMask))
		at := (current + 1 + int64(ahead)) << shift
		if !ok || at < tick {
			tick, ok = at, true
		}
	}
	return tick, ok
}

// advance moves the wheel to tick and appends to expired what came up, in no
// order among equals.
func (w *wheel) advance(tick int64, expired []*Conn) []*Conn {
	for {
		at, ok := w.next()
		if !ok || at > tick {
			w.now = max(w.now, tick)
			return expired
		}
		w.now = at
		for level := range wheelLevels {
			shift := level * wheelBits
			if at&(1<<shift-1) != 0 {
				break
			}
			expired = w.drain(&w.levels[level], at>>shift&wheelMask, expired)
		}
	}
}

func (w *wheel) drain(l *wheelLevel, slot int64, expired []*Conn) []*Conn {
	l.used &^= 1 << slot
	for c := l.slots[slot]; c != nil; c = l.slots[slot] {
		due := c.timer.due.Load()
		w.remove(c)
		if due > w.now {
			w.add(c, due)
		} else {
			expired = append(expired, c)
		}
	}
	return expired
}
