package upstream

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/internal/poll"
)

// A Conn is a connection to a peer, which a group can keep between two uses. It
// must not be copied.
type Conn struct {
	poll.Conn
	Address Address
	// Tag is what else a use must have in common with the one before: the name
	// in a TLS handshake, the location that opened it. "" by default.
	Tag string
	// Requests is how many uses there were. The owner counts.
	Requests int
	// Started is when the connection was opened.
	Started time.Time
	// Data is the owner's: the state of TLS, bytes that were read ahead. When
	// it is an [io.Closer] it is closed with a connection that was kept.
	Data any
	// Protocol is what the owner's protocol has to know of the connection.
	Protocol any

	cache      atomic.Pointer[cache] // where it is kept, nil when in use
	prev, next *Conn                 // guarded by the cache's mutex
}

// cache is a worker's unused connections to the peers of one group, the last
// used one first.
type cache struct {
	max      int
	local    bool
	requests int
	time     time.Duration
	timeout  time.Duration

	mu     sync.Mutex // guards what follows
	head   *Conn
	tail   *Conn
	n      int
	closed bool
}

// idle is a Conn as the handler of itself while it is kept.
type idle Conn

// Dial opens a connection to c.Address: [poll.Reactor.Dial] with c, which must be
// closed. out.To need not be set.
func (c *Conn) Dial(r *poll.Reactor, out *poll.Outgoing) error {
	out.To = c.Address.Endpoint
	c.Started, c.Requests = r.Now(), 0
	return r.Dial(&c.Conn, out, nobody{})
}

// Take returns a kept connection to the peer's address with that tag, busy and
// the caller's; nil when there is none.
func (g *Group) Take(p *Peer, tag string) *Conn { return g.idle.take(p.Address, tag) }

// Keep keeps a busy connection, which the caller must not use any more, until
// Take finds it, its keepalive_timeout has passed, the other end closes it or
// says something, or room is needed for another one. It returns false, and c is
// still the caller's to close, when the group keeps none or c has been used
// enough.
func (g *Group) Keep(c *Conn) bool { return g.idle.keep(c, g.now()) }

// Local reports that Tag must tell apart who opened the connection.
func (g *Group) Local() bool { return g.idle.local }

func (k *cache) take(a Address, tag string) *Conn {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := k.head; c != nil; c = c.next {
		// Who is not at rest any more is about to be closed.
		if c.Address.Endpoint == a.Endpoint && c.Tag == tag && c.Reactor().Evict(&c.Conn) {
			k.unlink(c)
			c.Conn.SetHandler(nobody{})
			return c
		}
	}
	return nil
}

func (k *cache) keep(c *Conn, now time.Time) bool {
	if k.max == 0 || c.Requests >= k.requests || now.Sub(c.Started) > k.time {
		return false
	}
	c.Conn.SetHandler((*idle)(c))
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false
	}
	if k.n >= k.max {
		k.drop(k.tail)
	}
	c.cache.Store(k)
	c.next = k.head
	if k.head != nil {
		k.head.prev = c
	} else {
		k.tail = c
	}
	k.head = c
	k.n++
	c.Rest(k.timeout)
	return true
}

// unlink needs k.mu.
func (k *cache) unlink(c *Conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		k.head = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		k.tail = c.prev
	}
	c.prev, c.next = nil, nil
	c.cache.Store(nil)
	k.n--
}

// drop forgets c and closes it, unless it is being served, where it is closed
// then. Needs k.mu.
func (k *cache) drop(c *Conn) {
	k.unlink(c)
	if c.Reactor().Evict(&c.Conn) {
		c.discard()
	}
}

func (k *cache) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	for k.head != nil {
		k.drop(k.head)
	}
}

// discard closes c with what belongs to it. There is nobody to tell of an error.
func (c *Conn) discard() {
	if owned, ok := c.Data.(io.Closer); ok {
		_ = owned.Close()
	}
	c.Data = nil
	_ = c.Conn.Close()
}

// Serve is called when the other end has closed the connection, or says something
// that nobody asked for.
func (i *idle) Serve(*poll.Conn) {
	c := (*Conn)(i)
	var b [1]byte
	if _, err := c.TryRead(b[:]); err != poll.ErrAgain || !c.restAgain() {
		i.Expire(&c.Conn)
	}
}

// restAgain is for a c that was woken for nothing. It returns false when c was
// dropped meanwhile.
func (c *Conn) restAgain() bool {
	k := c.cache.Load()
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.cache.Load() == nil {
		return false
	}
	c.Rest(k.timeout)
	return true
}

// Expire is called when keepalive_timeout has passed, too.
func (i *idle) Expire(*poll.Conn) {
	c := (*Conn)(i)
	if k := c.cache.Load(); k != nil {
		k.mu.Lock()
		if c.cache.Load() != nil {
			k.unlink(c)
		}
		k.mu.Unlock()
	}
	c.discard()
}

// nobody is the handler of connections that are in use: they are never at rest
// unless their owner gives them another handler.
type nobody struct{}

func (nobody) Serve(c *poll.Conn)  { c.Close() }
func (nobody) Expire(c *poll.Conn) { c.Close() }
