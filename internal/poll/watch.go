package poll

// A Watch ties one connection to another: what happens to the watched one wakes
// the goroutine that waits on Other. So the one goroutine that serves both can
// wait for either. It belongs to the owner of both.
type Watch struct {
	Other *Conn
	// Ended is what waits on Other return when the watched connection has
	// ended or broken: see [Conn.Wake], whose effect it has. Nil: they go on.
	Ended error
	// Readable and Writable likewise: bytes have come, or there is room again
	// after a write that found none.
	Readable, Writable error
}

// Watch makes w the watch of c in place of the one before; nil ends it. It
// reports true, and sets nothing, when what w waits for is there already.
//
// A watch that has fired stays; Other's Wake(nil) makes Other wait again. It must
// be ended before Other is closed or given to somebody else. A connection may
// watch itself, so that a write can be given up when there is something to read;
// beyond that watches must not go in a circle.
func (c *Conn) Watch(w *Watch) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch = nil
	if w == nil || c.state == closed {
		return false
	}
	if w.cause(c.flags.Load()) != nil {
		return true
	}
	if c.register(c.wantsOut || w.Writable != nil) != nil {
		return false // it cannot be watched; reading and writing will tell
	}
	c.watch = w
	return false
}

// cause is what wakes the other connection when flags were reported.
func (w *Watch) cause(flags uint32) error {
	switch {
	case flags&ended != 0 && w.Ended != nil:
		return w.Ended
	case flags&readable != 0 && w.Readable != nil:
		return w.Readable
	case flags&writable != 0 && w.Writable != nil:
		return w.Writable
	}
	return nil
}

// tell wakes whom c's watch names. Needs c.mu, under which the watch is ended: so
// nobody is woken that has gone on to something else.
func (c *Conn) tell(flags uint32) {
	if c.watch == nil {
		return
	}
	cause := c.watch.cause(flags)
	switch {
	case cause == nil:
	case c.watch.Other == c:
		c.cause = cause
		c.wake(reading, cause)
		c.wake(writing, cause)
	default:
		c.watch.Other.Wake(cause)
	}
}
