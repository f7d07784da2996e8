package poll

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

var (
	// ErrTimeout is returned by a call that waited longer than the Conn's read
	// or write timeout.
	ErrTimeout = errors.New("timed out")

	// ErrAgain is returned by TryRead and TryWrite when the call would wait.
	ErrAgain = errors.New("would wait")

	// ErrStopped is returned by waiting calls when the Reactor was closed.
	ErrStopped = errors.New("reactor is closed")
)

// Handler is the owner's code for one kind of connection.
type Handler interface {
	// Serve runs on a worker goroutine: c was at rest and is readable, or at its
	// end or broken: Read will tell. c is busy and belongs to Serve, which must
	// in the end Close, Detach or Rest it, or give it to somebody who will.
	Serve(c *Conn)

	// Expire is called instead of Serve when the deadline at rest has passed.
	Expire(c *Conn)
}

// A Conn is one stream socket in a [Reactor]; the package comment draws its
// states. It is meant to be embedded by value. The zero value is a closed
// Conn. It must not be copied or overwritten, not even when closed, as the
// reactor may still look whether a late event concerns it; it may be added
// again.
//
// If not said otherwise, methods are for the owner of a busy Conn. Reading,
// writing and SetReadTimeout, SetWriteTimeout may happen on two goroutines, one
// for each direction.
type Conn struct {
	reactor *Reactor
	handler Handler

	flags      atomic.Uint32 // readable and so on; see the package comment
	descriptor int32
	timer      timer

	mu         sync.Mutex // guards what follows
	generation uint32     // of this use of descriptor in the reactor's table
	state      state
	registered bool      // in the epoll set
	wantsOut   bool      // ... with EPOLLOUT
	timeouts   [2]uint32 // in ms, per direction; each written by its user alone
	deadlines  [2]int64  // ticks, 0 for none; at rest the first one counts
	waiters    [2]*parker
	cause      error // set by Wake
	watch      *Watch
}

// state says who owns a Conn.
type state uint8

const (
	closed state = iota // nobody; there is no descriptor
	busy                // the owner, or the queue on the way to Serve or Expire
	atRest              // the reactor
)

const (
	readable uint32 = 1 << iota // a read may find something
	writable                    // room was reported since a write found none
	ended                       // the peer will send no more, or the socket is broken
	expired                     // on the way to Expire instead of Serve
	fresh                       // never read from
)

// Add takes ownership of the socket descriptor, which must be in non-blocking
// mode, and makes c busy; c is the caller's. h is called whenever c leaves its
// rest by itself. c must be closed. Any goroutine may call it.
func (r *Reactor) Add(c *Conn, descriptor int, h Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != closed {
		panic("poll: Add of a Conn that is not closed")
	}
	c.reactor, c.handler = r, h
	c.descriptor = int32(descriptor)
	c.flags.Store(readable | fresh) // nobody knows: the first read must try
	c.state = busy
	c.registered, c.wantsOut = false, false
	c.timeouts = [2]uint32{}
	c.cause, c.watch = nil, nil
	c.generation = r.table.put(r, descriptor, slot{conn: c})
}

// register puts c into the epoll set when it is not in yet, or asks for
// EPOLLOUT too. Whatever is ready at this moment is reported. Needs c.mu.
func (c *Conn) register(out bool) error {
	if c.registered && (c.wantsOut || !out) {
		return nil
	}
	op := unix.EPOLL_CTL_ADD
	if c.registered {
		op = unix.EPOLL_CTL_MOD
	}
	event := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLRDHUP | edgeTriggered,
		Fd:     c.descriptor,
		Pad:    int32(c.generation),
	}
	if out {
		event.Events |= unix.EPOLLOUT
	}
	if err := epollCtl(c.reactor.epoll.Raw(), op, int(c.descriptor), &event); err != nil {
		return fmt.Errorf("epoll_ctl() failed: %w", err)
	}
	c.registered = true
	c.wantsOut = out
	return nil
}

// ready records what epoll reported. It reports whether c was at rest and is
// now to be handed to Serve.
func (c *Conn) ready(generation, events uint32) (handOut bool) {
	var flags uint32
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		flags = ended | readable
	}
	if events&unix.EPOLLIN != 0 {
		flags |= readable
	}
	if events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		flags |= writable
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != generation || c.state == closed {
		return false
	}
	c.flags.Or(flags)
	c.tell(flags)
	if flags&writable != 0 {
		c.wake(writing, nil) // even at rest somebody may be writing
	}
	if flags&readable == 0 {
		return false
	}
	if c.state == atRest {
		c.leaveRest()
		return true
	}
	c.wake(reading, nil)
	return false
}

// SetReadTimeout bounds each wait for bytes from now on, not one that runs.
// Zero, or more than 49 days, means no bound. Timeouts end with a Close, not
// with a Rest.
func (c *Conn) SetReadTimeout(d time.Duration) { c.timeouts[reading] = milliseconds(d) }

// SetWriteTimeout bounds each wait for room from now on: the time between two
// writes that took something, not that of a whole response. Zero, or more than
// 49 days, means no bound.
func (c *Conn) SetWriteTimeout(d time.Duration) { c.timeouts[writing] = milliseconds(d) }

// Wake makes every wait on c return cause, those that run and those to come,
// until Wake(nil). Calls that need not wait go on as ever, and a rest is not
// disturbed. Any goroutine may call it, when it knows that c was not closed
// and added again.
func (c *Conn) Wake(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == closed {
		return
	}
	c.cause = cause
	if cause != nil {
		c.wake(reading, cause)
		c.wake(writing, cause)
		if c.watch != nil && c.watch.Other != c {
			c.watch.Other.Wake(cause)
		}
	}
}

// Reactor returns where c was last added.
func (c *Conn) Reactor() *Reactor { return c.reactor }

// Handler returns what c was last added with: it tells the owner's connections
// apart in [Reactor.Each]. Any goroutine may call it.
func (c *Conn) Handler() Handler {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.handler
}

// FD lends the descriptor to f for a call made right now, such as setsockopt.
// It returns what f returns, or [os.ErrClosed].
func (c *Conn) FD(f func(descriptor int) error) error {
	if c.descriptor < 0 || c.reactor == nil {
		return os.ErrClosed
	}
	return f(int(c.descriptor))
}

// LocalAddr asks the kernel for the socket's own address.
func (c *Conn) LocalAddr() (Sockaddr, error) {
	var s Sockaddr
	err := c.FD(func(descriptor int) (err error) {
		s, err = getsockname(descriptor)
		return err
	})
	return s, err
}

// ShutdownWrite ends our side of the stream; what was written before is still
// sent.
func (c *Conn) ShutdownWrite() error {
	return c.FD(func(descriptor int) error { return shutdown(descriptor, unix.SHUT_WR) })
}

// Close closes the socket. No read or write may be inside its system call; one
// that waits returns [os.ErrClosed]. A second Close does nothing and returns
// [os.ErrClosed].
func (c *Conn) Close() error {
	descriptor := c.forget(false)
	if descriptor < 0 {
		return os.ErrClosed
	}
	return closeDescriptor(descriptor)
}

// CloseReset is Close with a TCP reset: the peer sees an error, and unsent
// bytes are dropped.
func (c *Conn) CloseReset() error {
	descriptor := c.forget(false)
	if descriptor < 0 {
		return os.ErrClosed
	}
	lingerErr := unix.SetsockoptLinger(descriptor, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	return errors.Join(lingerErr, closeDescriptor(descriptor))
}

// Detach takes the socket out of the reactor and gives it to the caller; c is
// closed without it. It returns nil when c was closed already. No read or write
// may be running.
func (c *Conn) Detach() *fd.Owned {
	descriptor := c.forget(true)
	if descriptor < 0 {
		return nil
	}
	return fd.New(descriptor)
}

// forget makes c closed and returns the descriptor, or -1. The table forgets c
// before anybody can close the descriptor and its number be used again. The
// epoll set needs to be told only when the socket lives on.
func (c *Conn) forget(unregister bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == closed {
		return -1
	}
	descriptor := int(c.descriptor)
	c.state = closed
	c.descriptor = -1
	c.flags.Store(0)
	c.wake(reading, os.ErrClosed)
	c.wake(writing, os.ErrClosed)
	c.deadlines = [2]int64{}
	c.cause, c.watch = nil, nil
	if unregister && c.registered {
		// An error would mean that it is not in the set.
		_ = epollCtl(c.reactor.epoll.Raw(), unix.EPOLL_CTL_DEL, descriptor, nil)
	}
	r := c.reactor
	r.mu.Lock()
	r.wheel.remove(c)
	if descriptor >= 0 {
		r.table.remove(descriptor)
	}
	r.mu.Unlock()
	return descriptor
}

// SetHandler changes whom c is handed to when it leaves its rest by itself. It is
// for the owner of a busy Conn.
func (c *Conn) SetHandler(h Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handler = h
}

// Quiet reports that nothing has been seen since the last read: no byte, no end
// of the stream, no failure. A connection that was kept for later and is not
// quiet when it is needed is of no use.
func (c *Conn) Quiet() bool { return c.flags.Load()&(readable|ended) == 0 }
