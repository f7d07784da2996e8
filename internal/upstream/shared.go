package upstream

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"
	"unsafe"

	"github.com/baton-project/baton/internal/zone"
)

// In a zone, each group has a cell with the counters of its peers, under a key
// that changes when the peers do, so that another cycle with the same peers goes
// on with it; and each worker has a cell beside it with its own connections, so
// that those of a worker that died can be subtracted.
//
//	name, digest of the peers        which seats have a row, counts, counts ...
//	name, digest of the peers, seat  owner of the seat, connections, connections ...
//
// Cells of groups that are no more are removed when room is needed.

const (
	countsAt = zone.SeatCount / 8 // behind the seats, a bit each
	rowAt    = 8                  // behind the owner

	// layout changes when counts does.
	layout = 2

	// maxShared is how many peers a group in a zone can have.
	maxShared = (1<<16 - 1 - countsAt) / int(unsafe.Sizeof(counts{}))
)

// A place is a zone as this worker uses it, for all of its groups there.
type place struct {
	zone *zone.Zone
	once sync.Once
	// table is there once the zone is mapped; see open.
	table *zone.Table

	// Under the zone's lock:
	seats *zone.Seats
	seat  int
	err   error // why there is no seat
}

// open makes the table usable, once the zone is mapped.
func (p *place) open() { p.once.Do(func() { p.table = p.zone.Table() }) }

// sit needs the zone's lock.
func (p *place) sit() bool {
	if p.seats == nil {
		p.seats = p.zone.Seats(nil)
		p.seat, p.err = p.seats.Take()
	}
	return p.err == nil
}

// shared is what a group knows of its cells. The group's mutex guards it.
type shared struct {
	place *place // nil: this worker counts alone
	key   string // of the present roster's counters
	row   string // of this worker's connections there
	in    bool   // it has made that row
	whole bool   // the last use of the table came to its end
}

// keyOf names the counters of these peers.
func keyOf(name string, r *roster) string {
	h := sha256.New()
	fmt.Fprintln(h, layout)
	for _, p := range r.peers() {
		fmt.Fprintf(h, "%q %q %d %d %d %d %d %t %t %t\n", p.Server, p.Address.Name, p.weight,
			p.maxConns, p.maxFails, p.failTimeout, p.slowStart, p.down, p.draining, p.backup)
	}
	return name + "\x00" + string(h.Sum(nil)[:16])
}

func rowKey(key string, seat int) string { return key + "\x00" + strconv.Itoa(seat) }

// chooseShared is choose with the counters of the zone. Needs g.mu.
func (g *Group) chooseShared(s *Session) (p *Peer) {
	at := g.shared.place
	at.open()
	g.shared.whole = false
	at.table.Lock()
	defer at.table.Unlock()
	t := g.counters()
	g.find(&t)
	if p = s.pick(&t); p == nil && at.err == nil && at.seats.Sweep() {
		g.reclaim(t.counts)
		s.restart()
		p = s.pick(&t)
	}
	g.shared.whole = true
	return p
}

// lock returns the counters, those of the zone when there are any, for use until
// unlock. Needs g.mu.
func (g *Group) lock() table {
	t := g.counters()
	if at := g.shared.place; at != nil && at.zone.Mapped() {
		at.open()
		at.table.Lock()
		g.find(&t)
	}
	return t
}

func (g *Group) unlock() {
	if at := g.shared.place; at != nil && at.zone.Mapped() {
		at.table.Unlock()
	}
}

// find puts the zone's counters into t, and makes them when they are not there;
// without room or a seat, t keeps the worker's own. Needs the zone's lock.
func (g *Group) find(t *table) {
	sh := &g.shared
	if !sh.place.sit() {
		return
	}
	if sh.row == "" {
		sh.row = rowKey(sh.key, sh.place.seat)
	}
	tab := sh.place.table
	n := g.roster.all()
	size, rowSize := countsAt+n*int(unsafe.Sizeof(counts{})), rowAt+4*n
	e, ok := tab.Find(sh.key)
	if ok && len(e.Value()) != size {
		tab.Delete(e)
		ok = false
	}
	if !ok {
		if e, ok = sh.insert(sh.key, size); !ok {
			return
		}
		for i, c := range g.own {
			c.conns = 0
			view(e)[i] = c
		}
	}
	row, ok := tab.Find(sh.row)
	if ok && (!sh.in || len(row.Value()) != rowSize || owner(row) != sh.place.seats.Owner(sh.place.seat)) {
		g.reclaimSeat(view(e), sh.place.seat)
		ok = false
	}
	if !ok {
		// Other entries may have gone to make room, but not those of the moment.
		if row, ok = sh.insert(sh.row, rowSize); !ok {
			return
		}
		if e, ok = tab.Find(sh.key); !ok {
			tab.Delete(row)
			return
		}
		g.join(e, row)
		sh.in = true
	}
	t.counts, t.row = view(e), rowView(row)
}

// join enters this worker's connections into its new row.
func (g *Group) join(e, row zone.Entry) {
	at := g.shared.place
	binary.NativeEndian.PutUint64(row.Value(), at.seats.Owner(at.seat))
	e.Value()[at.seat/8] |= 1 << (at.seat % 8)
	counts, mine := view(e), rowView(row)
	for i, p := range g.roster.peers() {
		mine[i] = p.mine
		counts[i].conns += p.mine
	}
	g.reclaim(counts)
}

// searches bounds how many cells are removed to make room for one.
const searches = 64

// insert makes a cell, if need be in place of those that were not made or used
// for long.
func (sh *shared) insert(key string, size int) (e zone.Entry, ok bool) {
	tab := sh.place.table
	for range searches {
		if e, ok = tab.Insert(key, size); ok {
			return e, true
		}
		oldest, any := tab.Oldest()
		if !any {
			break
		}
		if k := string(oldest.Key()); k == sh.key || k == sh.row {
			tab.Touch(oldest)
			continue
		}
		tab.Delete(oldest)
	}
	return e, false
}

// reclaim subtracts the connections of workers that are no more.
func (g *Group) reclaim(counts []counts) {
	sh := &g.shared
	e, ok := sh.place.table.Find(sh.key)
	if !ok {
		return
	}
	for seat := range zone.SeatCount {
		if e.Value()[seat/8]&(1<<(seat%8)) == 0 {
			continue
		}
		row, ok := sh.place.table.Find(rowKey(sh.key, seat))
		if ok && owner(row) != 0 && owner(row) == sh.place.seats.Owner(seat) {
			continue
		}
		g.reclaimSeat(counts, seat)
		e.Value()[seat/8] &^= 1 << (seat % 8)
	}
	sh.place.table.Touch(e)
}

// reclaimSeat subtracts the connections in a seat's row, and removes the row.
func (g *Group) reclaimSeat(counts []counts, seat int) {
	tab := g.shared.place.table
	row, ok := tab.Find(rowKey(g.shared.key, seat))
	if !ok {
		return
	}
	for i, n := range rowView(row) {
		if i < len(counts) {
			counts[i].conns -= min(n, counts[i].conns)
		}
	}
	tab.Delete(row)
}

// leaveShared takes this worker's connections out of the counters of the present
// roster, which is about to be replaced, and keeps a copy of the counters.
func (g *Group) leaveShared() {
	at := g.shared.place
	at.open()
	at.table.Lock()
	defer at.table.Unlock()
	e, ok := at.table.Find(g.shared.key)
	if !ok || at.err != nil || at.seats == nil || len(view(e)) != len(g.own) {
		return
	}
	copy(g.own, view(e))
	g.reclaimSeat(view(e), at.seat)
	e.Value()[at.seat/8] &^= 1 << (at.seat % 8)
}

func owner(row zone.Entry) uint64 {
	if len(row.Value()) < rowAt {
		return 0
	}
	return binary.NativeEndian.Uint64(row.Value())
}

// view is the counters in a cell. The memory is the zone's, aligned to 8 bytes.
func view(e zone.Entry) []counts {
	b := e.Value()[countsAt:]
	return unsafe.Slice((*counts)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(counts{})))
}

func rowView(row zone.Entry) []uint32 {
	if len(row.Value()) < rowAt {
		return nil
	}
	b := row.Value()[rowAt:]
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}
