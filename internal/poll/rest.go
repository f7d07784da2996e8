package poll

import "time"

// Rest gives a busy Conn back to the reactor: Serve is called when it is
// readable, at once when it is so already, and Expire when that takes longer
// than deadline; zero means for ever. It must be the last thing that the owner
// does with c, except that another goroutine may go on writing, see [Tunnel]. It
// does nothing to a Conn that was closed.
func (c *Conn) Rest(deadline time.Duration) {
	r := c.reactor
	handOut := c.rest(milliseconds(deadline))
	switch {
	case r.closed.Load():
		c.Close() // nobody would find it any more
	case handOut:
		r.enqueue(c)
	}
}

// Start is the first Rest of a socket that was just accepted, before any read.
// When the process is busy, the request is often there already, and a read that
// finds it is cheaper than asking to be told. So while that goes well, Serve is
// called at once; it should begin with TryRead, and Rest c on [ErrAgain].
func (c *Conn) Start(deadline time.Duration) {
	if eager := &c.reactor.eager; eager.Load() < 0 {
		eager.Add(1)
		c.Rest(deadline)
		return
	}
	c.reactor.enqueue(c)
}

// startsAtRest is how many Conns are not read at once after one for which
// that was too early.
const startsAtRest = 31

// rest reports whether c is to be handed to Serve instead.
func (c *Conn) rest(ms uint32) (handOut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == closed {
		return false
	}
	if c.state != busy || c.waiters[reading] != nil {
		panic("poll: Rest of a Conn that is not busy, or in use")
	}
	if !c.registered {
		// What is there now will be reported.
		c.flags.And(^(readable | fresh))
		if err := c.register(false); err != nil {
			c.cause = err // for Serve to find
			return true
		}
	} else if c.flags.Load()&readable != 0 {
		return true
	}
	c.state = atRest
	if ms != 0 {
		c.setDeadline(reading, int64(ms))
	}
	return false
}

// leaveRest makes a Conn at rest busy. Its entry stays in the wheel: it is
// likely to rest again before it comes up. Needs c.mu.
func (c *Conn) leaveRest() {
	c.state = busy
	c.deadlines[reading] = 0
}

// Evict takes c out of its rest and reports whether it did: c is then busy and
// the caller's. False means that c is busy, perhaps about to be served, or
// closed. Any goroutine may call it that knows that c is still what it was.
func (r *Reactor) Evict(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != atRest {
		return false
	}
	c.leaveRest()
	return true
}

// Each calls f for every Conn that was added and is neither closed nor
// detached. It is for the reactor's goroutine, inside Post, where no Conn is
// handed to Serve meanwhile; f may Evict, Wake, Close.
func (r *Reactor) Each(f func(*Conn)) {
	r.mu.Lock()
	conns := r.table.all()
	r.mu.Unlock()
	for _, c := range conns {
		f(c)
	}
}

// A table finds a Conn or Port by its descriptor. Its methods need the reactor's mutex
// if not said otherwise.
type table struct {
	slots []slot
}

type slot struct {
	conn       *Conn
	port       *Port  // instead
	generation uint32 // counts those that had this descriptor; never 0 in use
}

// put enters who has descriptor n now and returns its generation. It takes the
// reactor's mutex itself.
func (t *table) put(r *Reactor, n int, who slot) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n >= len(t.slots) {
		t.slots = append(t.slots, slot{})
		t.slots = t.slots[:cap(t.slots)]
	}
	s := &t.slots[n]
	if s.generation++; s.generation == 0 {
		s.generation = 1
	}
	s.conn, s.port = who.conn, who.port
	return s.generation
}

func (t *table) remove(descriptor int) {
	t.slots[descriptor].conn, t.slots[descriptor].port = nil, nil
}

// find returns an empty slot when the event is of an earlier socket.
func (t *table) find(descriptor int32, generation uint32) slot {
	if s := t.slots[descriptor]; s.generation == generation {
		return s
	}
	return slot{}
}

func (t *table) all() []*Conn {
	var conns []*Conn
	for _, s := range t.slots {
		if s.conn != nil {
			conns = append(conns, s.conn)
		}
	}
	return conns
}

func (t *table) ports() []*Port {
	var ports []*Port
	for _, s := range t.slots {
		if s.port != nil {
			ports = append(ports, s.port)
		}
	}
	return ports
}
