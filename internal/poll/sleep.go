package poll

import (
	"io"
	"os"
	"runtime"
	"time"
)

// Sleep holds the owner back for d, while the reactor serves others. It returns
// early with [io.EOF] when the peer will send no more or the socket is broken,
// and with the errors of a Read that waits. What the peer sends meanwhile stays
// unread. It takes the place of a Read: nobody else may be reading.
func (c *Conn) Sleep(d time.Duration) error {
	until := c.reactor.Tick() + int64((d+time.Millisecond-1)/time.Millisecond)
	for {
		c.mu.Lock()
		p, err := c.prepareSleep(until)
		c.mu.Unlock()
		if p == nil {
			return err
		}
		if err := c.reactor.park(p); err != nil && err != ErrTimeout {
			return err
		}
	}
}

// prepareSleep leaves a waiter at c that bytes wake as well as the end of the
// sleep, or returns nil when the sleep is over. Needs c.mu.
func (c *Conn) prepareSleep(until int64) (*parker, error) {
	left := until - c.reactor.Tick()
	switch {
	case c.state == closed:
		return nil, os.ErrClosed
	case c.reactor.closed.Load():
		return nil, ErrStopped
	case c.cause != nil:
		return nil, c.cause
	case left <= 0:
		return nil, nil
	case c.flags.Load()&ended != 0:
		return nil, io.EOF
	}
	if err := c.register(c.wantsOut); err != nil {
		return nil, err
	}
	return c.leaveWaiter(reading, left), nil
}

// Yield lets the loop and other connections run, for work that needs the
// processor for long. Being counted, the caller keeps the loop from going to
// sleep. Any goroutine may call it.
func (r *Reactor) Yield() {
	r.runnable.Add(1)
	runtime.Gosched()
	r.runnable.Add(-1)
}
