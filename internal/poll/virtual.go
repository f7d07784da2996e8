package poll

// Join makes c, which must be closed, busy without a socket: a stream of a
// connection that carries several. Who carries it tells it by Report what has
// happened; goroutines wait on it by AwaitInput and AwaitRoom, Sleep, watches and
// timeouts work as ever. Reading, writing and resting are not for it, and Leave
// takes the place of Close. Any goroutine may call it.
func (r *Reactor) Join(c *Conn, h Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != closed {
		panic("poll: Join of a Conn that is not closed")
	}
	c.reactor, c.handler = r, h
	c.descriptor = -1
	c.flags.Store(0)
	c.state = busy
	c.registered, c.wantsOut = true, true
	c.timeouts = [2]uint32{}
	c.cause, c.watch = nil, nil
}

// Event is what Report tells; they may be joined.
type Event uint32

// The events.
const (
	Input Event = Event(readable) // something has come
	Room  Event = Event(writable) // there is room again
	Ended Event = Event(ended)    // no more comes
)

// Report tells a Conn that has joined what has happened. Any goroutine may call
// it, also when c has left.
func (c *Conn) Report(e Event) {
	flags := uint32(e)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == closed {
		return
	}
	c.flags.Or(flags)
	c.tell(flags)
	if flags&writable != 0 {
		c.wake(writing, nil)
	}
	if flags&(readable|ended) != 0 {
		c.wake(reading, nil)
	}
}

// Consumed takes back a report of Input or Room. It is to be called under the lock
// that guards what was reported, when nothing is left of it.
func (c *Conn) Consumed(e Event) { c.flags.And(^uint32(e)) }

// AwaitInput waits for a report of Input. Its errors are those of a Read that waits.
func (c *Conn) AwaitInput() error { return c.wait(reading) }

// AwaitRoom waits for a report of Room. Its errors are those of a Write that waits.
func (c *Conn) AwaitRoom() error { return c.wait(writing) }

// Leave closes a Conn that has joined.
func (c *Conn) Leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == closed {
		return
	}
	c.state = closed
	c.wake(reading, ErrStopped)
	c.wake(writing, ErrStopped)
	c.deadlines = [2]int64{}
	c.cause, c.watch = nil, nil
	if c.timer.due.Load() != 0 {
		r := c.reactor
		r.mu.Lock()
		r.wheel.remove(c)
		r.mu.Unlock()
	}
}
