package poll

import (
	"os"
	"time"
)

// direction is what a goroutine waits for on a Conn; each has a waiter, a
// timeout and a deadline of its own.
type direction uint8

const (
	reading direction = iota
	writing
)

// A parker is where one goroutine waits once. It is reused.
type parker struct {
	woken chan struct{} // room for one: waking never waits
	err   error         // why, nil for ready; written before woken
}

// maxSpareParkers bounds the parkers kept for reuse.
const maxSpareParkers = 1024

// wait parks the goroutine until c may be ready in direction d. It returns nil
// when the caller should try again.
func (c *Conn) wait(d direction) error {
	c.mu.Lock()
	p, err := c.prepareWait(d)
	c.mu.Unlock()
	if p == nil {
		return err
	}
	return c.reactor.park(p)
}

// park waits to be woken and gives p back. It returns why it was woken.
func (r *Reactor) park(p *parker) error {
	r.parked.Add(1)
	<-p.woken
	r.parked.Add(-1)
	r.runnable.Add(-1)
	err := p.err
	p.err = nil
	r.mu.Lock()
	if len(r.parkers) < maxSpareParkers {
		r.parkers = append(r.parkers, p)
	}
	r.mu.Unlock()
	return err
}

// prepareWait leaves a waiter at c, or returns nil when there is nothing to
// wait for. Needs c.mu.
func (c *Conn) prepareWait(d direction) (*parker, error) {
	switch {
	case c.state == closed:
		return nil, os.ErrClosed
	case c.reactor.closed.Load():
		return nil, ErrStopped
	case c.cause != nil:
		return nil, c.cause
	case d == reading && c.flags.Load()&readable != 0:
		return nil, nil
	case d == writing && c.flags.And(^writable)&writable != 0:
		return nil, nil
	}
	if err := c.register(d == writing); err != nil {
		return nil, err
	}
	return c.leaveWaiter(d, int64(c.timeouts[d])), nil
}

// leaveWaiter leaves a waiter for d that expires in ms milliseconds, 0 for
// never. Needs c.mu.
func (c *Conn) leaveWaiter(d direction, ms int64) *parker {
	if c.waiters[d] != nil {
		panic("poll: two goroutines wait for the same direction of one Conn")
	}
	p := c.reactor.parker()
	c.waiters[d] = p
	if ms != 0 {
		c.setDeadline(d, ms)
	}
	return p
}

func (r *Reactor) parker() *parker {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.parkers) - 1
	if last < 0 {
		return &parker{woken: make(chan struct{}, 1)}
	}
	p := r.parkers[last]
	r.parkers[last] = nil
	r.parkers = r.parkers[:last]
	return p
}

// wake lets the goroutine that waits for d go on, if there is one. The waiter
// is taken away in the same critical section, so it is woken once. Needs c.mu.
func (c *Conn) wake(d direction, err error) {
	p := c.waiters[d]
	if p == nil {
		return
	}
	c.waiters[d] = nil
	c.deadlines[d] = 0
	p.err = err
	c.reactor.runnable.Add(1)
	p.woken <- struct{}{}
}

// setDeadline lets direction d expire in ms milliseconds. Needs c.mu.
//
// The wheel may drop c's entry at this moment, after which the reactor calls
// expire, which needs c.mu too. When that comes later, it sees the new
// deadline; when it came earlier, timer.due is zero already.
func (c *Conn) setDeadline(d direction, ms int64) {
	r := c.reactor
	due := r.Tick() + ms
	c.deadlines[d] = due
	c.arm(due)
}

func (c *Conn) arm(due int64) {
	if at := c.timer.due.Load(); at != 0 && at <= due {
		return
	}
	r := c.reactor
	r.mu.Lock()
	r.wheel.add(c, due)
	interrupt := r.sleeping.Load() && due < r.sleepUntil
	r.mu.Unlock()
	if interrupt {
		r.interrupt()
	}
}

// expire is called when c's entry in the wheel came up, with a c that may have
// been closed, or closed and added again, since: what it finds due is due. It
// reports whether c was at rest and is now to be handed to Expire.
func (c *Conn) expire(now int64) (handOut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == closed {
		return false
	}
	var next int64
	for d, due := range c.deadlines {
		switch {
		case due == 0:
		case due > now:
			if next == 0 || due < next {
				next = due
			}
		case c.state == atRest && direction(d) == reading:
			c.state = busy
			c.deadlines[d] = 0
			c.flags.Or(expired)
			handOut = true
		default:
			c.deadlines[d] = 0
			c.wake(direction(d), ErrTimeout)
		}
	}
	if next != 0 {
		c.arm(next)
	}
	return handOut
}

// milliseconds turns a timeout into its stored form: rounded up, zero for
// none, and what is over 49 days is none as well.
func milliseconds(d time.Duration) uint32 {
	if d <= 0 {
		return 0
	}
	ms := (d-1)/time.Millisecond + 1
	if ms > 1<<32-1 {
		return 0
	}
	return uint32(ms)
}
