package cache

import (
	"encoding/binary"

	"github.com/baton-project/baton/internal/zone"
)

// A node is the value of a key in the table.
type node []byte

// Fields of a node.
const (
	nodeExpire    = 0  // int64: Unix seconds; the file goes if nobody asks before
	nodeValid     = 8  // int64: Unix seconds; until when nodeError holds
	nodeBlocks    = 16 // int64: size of the file, in blocks of the file system
	nodeLockUntil = 24 // int64: milliseconds of the machine's clock
	nodeTicket    = 32 // uint64: who updates; 0: nobody
	nodeOwner     = 40 // uint64: the process that does
	nodeSeat      = 48 // uint16: its seat
	nodeUses      = 50 // uint16
	nodeBody      = 52 // uint16: where the body begins in the file, 0: not known
	nodeError     = 54 // uint16: the status that the upstream's failure was answered with
	nodeExists    = 56 // uint16: 1: the file is there
	nodeSize      = 58
)

func (n node) get(field int) int64    { return int64(binary.NativeEndian.Uint64(n[field:])) }
func (n node) put(field int, v int64) { binary.NativeEndian.PutUint64(n[field:], uint64(v)) }
func (n node) short(field int) int    { return int(binary.NativeEndian.Uint16(n[field:])) }
func (n node) putShort(field int, v int) {
	binary.NativeEndian.PutUint16(n[field:], uint16(min(v, 1<<16-1)))
}
func (n node) exists() bool { return n.short(nodeExists) != 0 }

// The state is one more value in the table, of what is true of all files.
const (
	stateKey      = "state"
	stateWarm     = 0  // int64: 1: the directory was walked through
	stateBlocks   = 8  // int64: of all files
	stateCount    = 16 // int64: of nodes
	stateMark     = 24 // int64: so many nodes are too many; 0: any number is fine
	stateTicket   = 32 // int64: the last one
	stateOwner    = 40 // int64: the process that is the manager
	stateSeat     = 48 // uint16: its seat
	stateSize     = 50
	smallestTable = 8 * 4096
)

// state is the state; one that is new knows of nothing. It fails only in a table
// without any room. It needs the lock.
func (c *Cache) state() (node, bool) {
	e, ok := c.table.Find(stateKey)
	if !ok {
		if e, ok = c.table.Insert(stateKey, stateSize); !ok {
			return nil, false
		}
	}
	return checked(e, stateSize)
}

// node is the node of k. It needs the lock.
func (c *Cache) node(k Key) (zone.Entry, node, bool) {
	e, ok := c.table.Find(view(k[:]))
	if !ok {
		return e, nil, false
	}
	n, ok := checked(e, nodeSize)
	return e, n, ok
}

// checked is the value of an entry, which somebody else may have written.
func checked(e zone.Entry, size int) (node, bool) {
	v := e.Value()
	return node(v), len(v) >= size
}

// oldest is the node that was not asked for longest. It needs the lock.
func (c *Cache) oldest() (e zone.Entry, k Key, n node, ok bool) {
	for range 2 {
		if e, ok = c.table.Oldest(); !ok {
			return e, k, nil, false
		}
		key := e.Key()
		if n, ok = checked(e, nodeSize); ok && len(key) == len(k) {
			copy(k[:], key)
			return e, k, n, true
		}
		c.table.Touch(e) // the state
	}
	return e, k, nil, false
}

// insert makes the node of k, which has none. When there is no room, the oldest
// one goes: its file is the caller's to remove. It needs the lock.
func (c *Cache) insert(k Key) (n node, gone Key, goneFile, ok bool) {
	s, ok := c.state()
	if !ok {
		return nil, gone, false, false
	}
	e, ok := c.table.Insert(string(k[:]), nodeSize)
	if !ok {
		s.put(stateMark, max(s.get(stateCount)-s.get(stateCount)/8, 1))
		if gone, goneFile, ok = c.dropOldest(s); !ok {
			return nil, gone, goneFile, false
		}
		if e, ok = c.table.Insert(string(k[:]), nodeSize); !ok {
			return nil, gone, goneFile, false
		}
	}
	s.put(stateCount, s.get(stateCount)+1)
	n, ok = checked(e, nodeSize)
	return n, gone, goneFile, ok
}

// dropOldest removes the oldest node that nobody updates. It needs the lock.
func (c *Cache) dropOldest(s node) (k Key, file, ok bool) {
	for range 20 {
		e, k, n, ok := c.oldest()
		if !ok {
			return k, false, false
		}
		if c.updating(n) {
			c.table.Touch(e)
			continue
		}
		file := n.exists()
		c.drop(s, e, n)
		return k, file, true
	}
	return k, false, false
}

// drop removes a node. It needs the lock.
func (c *Cache) drop(s node, e zone.Entry, n node) {
	if n.exists() {
		s.put(stateBlocks, max(s.get(stateBlocks)-n.get(nodeBlocks), 0))
	}
	s.put(stateCount, max(s.get(stateCount)-1, 0))
	c.table.Delete(e)
}
