package cache

import (
	"sync"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/zone"
)

// A Cache is a directory of files and the zone with their index. The fields are
// those of the directive; nothing writes them once the zone is mapped.
type Cache struct {
	Name        string // of the zone
	Dir         string // absolute, without a slash at its end
	Levels      []int  // how many digits of a file's name each folder above it has
	UseTempPath bool   // files are written where other temporary files are
	Inactive    time.Duration
	MaxSize     int64 // in bytes
	MinFree     int64 // in bytes; 0: none
	Manager     Pace
	Loader      Pace
	Zone        *zone.Zone

	once  sync.Once // guards what follows until it is set
	table *zone.Table
	seats *zone.Seats // under the zone's lock
	seat  int
	self  uint64
	swept time.Time // under the zone's lock
	block int64     // of the file system
	tell  *log.Logger
}

// A Pace is how much is done at once: so many files, for so long, and then a rest.
type Pace struct {
	Files     int
	Threshold time.Duration
	Sleep     time.Duration
}

// sit makes c ready for use in this process. A process without a seat can mark
// nothing as its own, and counts as dead.
func (c *Cache) sit() {
	c.once.Do(func() {
		c.table, c.block = c.Zone.Table(), blockSize(c.Dir)
		c.Zone.Lock()
		defer c.Zone.Unlock()
		c.seats = c.Zone.Seats(nil)
		seat, err := c.seats.Take()
		if err != nil {
			return
		}
		c.seat, c.self = seat, c.seats.Owner(seat)
	})
}

// sweepEvery bounds how often it is looked who lives.
const sweepEvery = time.Second

// alive reports whether the process that had that seat has it still.
func (c *Cache) alive(seat int, owner uint64) bool {
	switch {
	case owner == 0 || seat >= zone.SeatCount:
		return false
	case owner == c.self:
		return true
	}
	if now := time.Now(); now.Sub(c.swept) >= sweepEvery {
		c.swept = now
		c.seats.Sweep()
	}
	return c.seats.Owner(seat) == owner
}

// updating reports whether somebody updates the file of a node.
func (c *Cache) updating(n node) bool {
	return n.get(nodeTicket) != 0 && c.alive(n.short(nodeSeat), uint64(n.get(nodeOwner)))
}

// take marks a node as one that this process updates.
func (c *Cache) take(n node) (ticket uint64) {
	s, ok := c.state()
	if !ok || c.self == 0 {
		return 0
	}
	next := max(s.get(stateTicket), 0) + 1
	s.put(stateTicket, next)
	n.put(nodeTicket, next)
	n.put(nodeOwner, int64(c.self))
	n.putShort(nodeSeat, c.seat)
	return uint64(next)
}

// A Found is what the index says of a key.
type Found struct {
	Kind      FoundKind
	Exists    bool // the file is there, as far as is known
	Cold      bool // the directory was not walked through yet
	BodyStart int  // in the file, 0: not known
	Status    int  // of a failure that is still remembered; 0: none
}

// FoundKind is how the index knows a key.
type FoundKind uint8

const (
	NoRoom FoundKind = iota // it does not, and there is no room
	New                     // it does from now on
	Rare                    // it was asked for too seldom as yet
	Known
)

// Look asks for k, which counts as one use unless again is set. minUses is how
// many it takes until an answer is kept. now is Unix seconds.
func (c *Cache) Look(k Key, minUses int, again bool, now int64) Found {
	f, gone, remove := c.look(k, minUses, again, now)
	if remove {
		c.remove(gone)
	}
	return f
}

func (c *Cache) look(k Key, minUses int, again bool, now int64) (f Found, gone Key, remove bool) {
	c.sit()
	c.table.Lock()
	defer c.table.Unlock()
	e, n, ok := c.node(k)
	if !ok {
		if n, gone, remove, ok = c.insert(k); !ok {
			return Found{}, gone, remove
		}
		n.putShort(nodeUses, 1)
		n.put(nodeExpire, now+int64(c.Inactive/time.Second))
		return Found{Kind: New, Cold: c.cold()}, gone, remove
	}
	c.table.Touch(e)
	if !again {
		n.putShort(nodeUses, n.short(nodeUses)+1)
	}
	n.put(nodeExpire, now+int64(c.Inactive/time.Second))
	if status := n.short(nodeError); status != 0 {
		if n.get(nodeValid) >= now {
			return Found{Kind: Known, Status: status}, gone, false
		}
		c.renew(n)
		return Found{Kind: New, Cold: c.cold()}, gone, false
	}
	if n.exists() || n.short(nodeUses) >= minUses {
		return Found{Kind: Known, Exists: n.exists(), BodyStart: n.short(nodeBody)}, gone, false
	}
	return Found{Kind: Rare}, gone, false
}

// renew forgets what is known of a node's file.
func (c *Cache) renew(n node) {
	if s, ok := c.state(); ok && n.exists() {
		s.put(stateBlocks, max(s.get(stateBlocks)-n.get(nodeBlocks), 0))
	}
	n.put(nodeValid, 0)
	n.put(nodeBlocks, 0)
	n.putShort(nodeError, 0)
	n.putShort(nodeExists, 0)
	n.putShort(nodeBody, 0)
}

// cold reports whether files may be there that the index does not know.
func (c *Cache) cold() bool {
	s, ok := c.state()
	return ok && s.get(stateWarm) == 0
}

// Add notes a file that was found, of size bytes on the disk.
func (c *Cache) Add(k Key, bodyStart int, size, now int64) (ok bool) {
	c.sit()
	c.table.Lock()
	defer c.table.Unlock()
	e, n, known := c.node(k)
	if !known {
		var gone Key
		var remove bool
		n, gone, remove, known = c.insert(k)
		if remove {
			defer c.remove(gone)
		}
		if !known {
			return false
		}
	} else {
		c.table.Touch(e)
	}
	n.put(nodeExpire, now+int64(c.Inactive/time.Second))
	if !n.exists() {
		n.putShort(nodeUses, max(n.short(nodeUses), 1))
		c.exists(n, bodyStart, size)
	}
	return true
}

// exists notes that the file of a node is there. It needs the lock.
func (c *Cache) exists(n node, bodyStart int, size int64) {
	blocks := (size + c.block - 1) / c.block
	if s, ok := c.state(); ok {
		old := int64(0)
		if n.exists() {
			old = n.get(nodeBlocks)
		}
		s.put(stateBlocks, max(s.get(stateBlocks)+blocks-old, 0))
	}
	n.put(nodeBlocks, blocks)
	n.putShort(nodeExists, 1)
	n.putShort(nodeBody, bodyStart)
	n.putShort(nodeError, 0)
}

// Lock marks k as being got by this process, unless somebody else has done so less
// than age ago: then ticket is 0. now is milliseconds of the machine's clock.
func (c *Cache) Lock(k Key, age time.Duration, now int64) (ticket uint64) {
	c.table.Lock()
	defer c.table.Unlock()
	_, n, ok := c.node(k)
	if !ok || c.locked(n, now) {
		return 0
	}
	n.put(nodeLockUntil, now+age.Milliseconds())
	return c.take(n)
}

// Locked reports whether somebody has locked k.
func (c *Cache) Locked(k Key, now int64) (locked bool) {
	c.table.Lock()
	defer c.table.Unlock()
	_, n, ok := c.node(k)
	return ok && c.locked(n, now)
}

func (c *Cache) locked(n node, now int64) bool { return n.get(nodeLockUntil) > now && c.updating(n) }

// Update marks k, whose file is out of date, as being updated by this process,
// unless somebody does so already: then ticket is 0.
func (c *Cache) Update(k Key) (ticket uint64) {
	c.table.Lock()
	defer c.table.Unlock()
	_, n, ok := c.node(k)
	if !ok || c.updating(n) {
		return 0
	}
	return c.take(n)
}

// Stored notes that there is a new file, of size bytes on the disk.
func (c *Cache) Stored(k Key, bodyStart int, size, now int64) {
	if gone, remove := c.stored(k, bodyStart, size, now); remove {
		c.remove(gone)
	}
}

func (c *Cache) stored(k Key, bodyStart int, size, now int64) (gone Key, remove bool) {
	c.table.Lock()
	defer c.table.Unlock()
	_, n, ok := c.node(k)
	if !ok {
		if n, gone, remove, ok = c.insert(k); !ok {
			return gone, remove
		}
		n.putShort(nodeUses, 1)
		n.put(nodeExpire, now+int64(c.Inactive/time.Second))
	}
	c.exists(n, bodyStart, size)
	n.put(nodeTicket, 0)
	n.put(nodeLockUntil, 0)
	return gone, remove
}

// Free ends what Lock or Update has begun without a new file. A status other than
// 0 is what requests get until the Unix second until, 0: at once no more.
func (c *Cache) Free(k Key, ticket uint64, status int, until int64, minUses int) {
	c.table.Lock()
	defer c.table.Unlock()
	e, n, ok := c.node(k)
	if !ok {
		return
	}
	if ticket != 0 && uint64(n.get(nodeTicket)) == ticket {
		n.put(nodeTicket, 0)
		n.put(nodeLockUntil, 0)
	}
	if status != 0 {
		n.putShort(nodeError, status)
		if until != 0 {
			n.put(nodeValid, until)
		}
		return
	}
	if !n.exists() && minUses == 1 && !c.updating(n) {
		if s, ok := c.state(); ok {
			c.drop(s, e, n)
		}
	}
}
