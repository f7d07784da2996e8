package poll

// Nudge is Wake(cause), unless c was woken for another reason that still holds:
// that one stays. So a helper of the owner can tell that it is done without
// hiding that the worker ends.
func (c *Conn) Nudge(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == closed || c.cause != nil {
		return
	}
	c.cause = cause
	c.wake(reading, cause)
	c.wake(writing, cause)
}

// Calm ends what Nudge(cause) has begun; a Wake that came since stays.
func (c *Conn) Calm(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == cause {
		c.cause = nil
	}
}
