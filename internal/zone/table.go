package zone

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"
)

// A Table is what a zone holds when it is no lines of counters: values by key,
// in the order of their use. All methods but Lock need the lock, and whatever
// they return is valid until Unlock.
type Table struct {
	m *memory
}

// Table is the zone's table. The zone must be mapped, its size at least eight
// pages and at most [MaxSize].
func (z *Zone) Table() *Table { return &Table{z.mem} }

// Fields of an entry's cell; the value, then the key, follow.
const (
	entryNext  = 0  // ref: in the bucket; of a free cell, in the page
	entryOlder = 4  // ref
	entryNewer = 8  // ref
	entryHash  = 12 // uint32
	entryKey   = 16 // uint16: length
	entryValue = 18 // uint16: length
	entryMark  = 20 // uint32: hash^used when the entry is complete
	entryHead  = 24

	used = 0x7a6f6e65
)

// MaxKey is the length of the longest key.
const MaxKey = 1<<16 - 1

// An Entry is a key and its value in the table.
type Entry struct {
	at   ref
	cell []byte
}

// Value is the memory of the value. Only its bytes are anybody's but the
// table's.
func (e Entry) Value() []byte {
	n := e.field16(entryValue)
	return e.cell[entryHead : entryHead+n : entryHead+n]
}

// Key is the memory of the key; it must not be written.
func (e Entry) Key() []byte {
	start := entryHead + e.field16(entryValue)
	return e.cell[start : start+e.field16(entryKey)]
}

func (e Entry) field16(field int) int        { return int(binary.NativeEndian.Uint16(e.cell[field:])) }
func (e Entry) field(field int) uint32       { return binary.NativeEndian.Uint32(e.cell[field:]) }
func (e Entry) setField(field int, v uint32) { binary.NativeEndian.PutUint32(e.cell[field:], v) }
func (e Entry) complete() bool               { return e.field(entryMark) == e.field(entryHash)^used }
func (e Entry) fits() bool {
	return entryHead+e.field16(entryValue)+e.field16(entryKey) <= len(e.cell)
}

// setMark is the one step by which an entry comes into being and ends, should
// its writer die.
func setMark(cell []byte, mark uint32) {
	(*atomic.Uint32)(unsafe.Pointer(&cell[entryMark : entryMark+4][0])).Store(mark)
}

// Lock begins the use of the table by this goroutine. It is followed by a
// deferred Unlock.
func (t *Table) Lock() {
	if t.m.lock() {
		t.recover()
	}
}

// recover rebuilds the table if it can, and otherwise empties it.
func (t *Table) recover() {
	rebuilt := false
	defer func() {
		if !rebuilt {
			_ = recover() // damage
			t.reset()
		}
	}()
	t.rebuild()
	rebuilt = true
}

// Unlock ends it. It must be deferred: when the table turns out to be damaged,
// it is emptied here, and the function that locked it returns the values that
// its results have at this moment.
func (t *Table) Unlock() {
	defer t.m.unlock()
	switch reason := recover().(type) {
	case nil:
	case damage:
		t.reset()
		t.m.tell("damaged (%s), it starts anew", string(reason))
	default:
		panic(reason)
	}
}

// Room is how long the value of a key of that length can be in the memory that a
// value of least bytes takes anyway.
func Room(key, least int) int {
	class, small := classOf(entryHead + least + key)
	if !small {
		return least
	}
	return cellUnit<<(class-1) - entryHead - key
}

// Find returns the entry of key, if there is one.
func (t *Table) Find(key string) (e Entry, ok bool) {
	hash := t.m.hash(key)
	return t.find(key, hash)
}

func (t *Table) find(key string, hash uint32) (e Entry, ok bool) {
	next := ref(t.m.get(t.m.bucket(hash)))
	for steps := 0; next != 0; steps++ {
		if e = t.entry(next); e.field(entryHash) == hash && string(e.Key()) == key {
			return e, true
		}
		t.bounded(steps)
		next = ref(e.field(entryNext))
	}
	return Entry{}, false
}

// bounded finds rings in lists.
func (t *Table) bounded(steps int) {
	if steps > t.m.shape.pages*(pageSize/cellUnit) {
		panic(damage("ring in a list"))
	}
}

func (t *Table) entry(r ref) Entry {
	cell, _ := t.m.cell(r)
	e := Entry{r, cell}
	if !e.complete() || !e.fits() {
		panic(damage("reference to no entry"))
	}
	return e
}

// Insert adds a key that is not in the table, as the most recently used one,
// with a value of so many zero bytes. It fails when there is no room.
func (t *Table) Insert(key string, value int) (e Entry, ok bool) {
	size := entryHead + value + len(key)
	if len(key) > MaxKey || value > 1<<16-1 {
		return Entry{}, false
	}
	r, ok := t.m.allocate(size)
	if !ok {
		return Entry{}, false
	}
	hash := t.m.hash(key)
	e.at = r
	e.cell, _ = t.m.cell(r)
	e.setField(entryHash, hash)
	binary.NativeEndian.PutUint16(e.cell[entryKey:], uint16(len(key)))
	binary.NativeEndian.PutUint16(e.cell[entryValue:], uint16(value))
	clear(e.Value())
	copy(e.Key(), key)
	setMark(e.cell, hash^used)
	t.link(e)
	return e, true
}

// link puts an entry into its bucket and at the new end of the list.
func (t *Table) link(e Entry) {
	bucket := t.m.bucket(e.field(entryHash))
	e.setField(entryNext, t.m.get(bucket))
	t.m.put(bucket, uint32(e.at))
	t.pushNewest(e)
}

func (t *Table) pushNewest(e Entry) {
	before := t.m.get(atNewest)
	e.setField(entryOlder, before)
	e.setField(entryNewer, 0)
	if before == 0 {
		t.m.put(atOldest, uint32(e.at))
	} else {
		t.entry(ref(before)).setField(entryNewer, uint32(e.at))
	}
	t.m.put(atNewest, uint32(e.at))
}

func (t *Table) unlist(e Entry) {
	older, newer := e.field(entryOlder), e.field(entryNewer)
	if older == 0 {
		t.m.put(atOldest, newer)
	} else {
		t.entry(ref(older)).setField(entryNewer, newer)
	}
	if newer == 0 {
		t.m.put(atNewest, older)
	} else {
		t.entry(ref(newer)).setField(entryOlder, older)
	}
}

// Touch makes e the most recently used entry.
func (t *Table) Touch(e Entry) {
	if e.field(entryNewer) != 0 {
		t.unlist(e)
		t.pushNewest(e)
	}
}

// Oldest is the entry that was not used for longest.
func (t *Table) Oldest() (e Entry, ok bool) {
	r := ref(t.m.get(atOldest))
	if r == 0 {
		return Entry{}, false
	}
	return t.entry(r), true
}

// Delete removes e, which is not to be used any more.
func (t *Table) Delete(e Entry) {
	bucket := t.m.bucket(e.field(entryHash))
	next := t.m.get(bucket)
	if ref(next) == e.at {
		t.m.put(bucket, e.field(entryNext))
	} else {
		for steps := 0; ; steps++ {
			before := t.entry(ref(next))
			if next = before.field(entryNext); ref(next) == e.at {
				before.setField(entryNext, e.field(entryNext))
				break
			}
			t.bounded(steps)
		}
	}
	t.unlist(e)
	t.m.release(e.at)
}

func (m *memory) bucket(hash uint32) int {
	return bucketsAt + int(hash)&(m.shape.buckets-1)*4
}
