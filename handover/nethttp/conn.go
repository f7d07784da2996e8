package nethttp

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// ErrMoved is returned by Read of a [Conn] with Follow when the connection has moved
// to another process. Nothing is left to do but to close it here.
var ErrMoved = errors.New("connection has moved to another process")

// A phase is where the server's loop stands. Between two requests it reports that the
// connection is idle, sets a deadline, looks for the first bytes of a request, and
// sets another deadline. Bytes that it has buffered make the reads smaller.
type phase uint8

const (
	working phase = iota
	rested        // reported as idle
	looking       // for the first bytes
)

// A Conn is a client's connection. Handlers meet it as what Hijack returns.
type Conn struct {
	net.Conn
	worker *worker
	closed sync.Once

	mu       sync.Mutex // guards what follows
	full     int        // how much the server reads at once when it has nothing buffered
	phase    phase
	waiting  bool      // in a Read at which it may move
	woken    bool      // that Read was ended to move
	tried    uint64    // the worker's epoch when c was offered last
	deadline time.Time // for reading, the server's own
	kind     string    // of Follow; "" while it is the server's
	state    func() []byte
}

// Follow lets a hijacked connection move while its owner waits in Read: that then
// returns [ErrMoved], and Server.Resume[kind] is called in the other process with
// what state has returned. state is called on the goroutine that reads, may be nil,
// and has to keep what was read ahead, as for instance in Hijack's bufio.ReadWriter.
// Nobody may be in the middle of a Write when Read is called.
func (c *Conn) Follow(kind string, state func() []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kind, c.state, c.phase = kind, state, working
}

// Read reads as [net.Conn] does. It is where connections move.
func (c *Conn) Read(p []byte) (int, error) {
	movable, over := c.arrive(len(p))
	if over {
		return 0, io.EOF
	}
	for {
		if movable && c.tries() {
			if err, moved := c.move(); moved {
				return 0, err
			}
			continue
		}
		n, err := c.Conn.Read(p)
		if !c.leave(n, err) {
			return n, err
		}
	}
}

// arrive notes that a Read begins, and reports whether c may move in it: nothing
// of a request was read when it is the first one of all, or the server looks for a
// request and its buffer is empty, as it was that first time. A connection is over
// that nobody wanted, and that has had another answer since.
func (c *Conn) arrive(n int) (movable, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.full == 0
	if first {
		c.full = n
	}
	movable = c.kind != "" || first || c.phase == looking && n == c.full
	over = movable && c.kind == "" && c.tried != 0 && c.tried == c.worker.epoch.Load()
	return movable, over
}

// tries reports whether c is to be offered now: to whoever it has not been offered to.
// Else it waits in Read until wake.
func (c *Conn) tries() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	epoch := c.worker.epoch.Load()
	c.waiting = c.tried == epoch
	c.tried = epoch
	return !c.waiting
}

// leave notes that a Read has ended, and reports whether that was for moving.
func (c *Conn) leave(n int, err error) (moves bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = false
	if !c.woken {
		return false
	}
	c.woken = false
	_ = c.Conn.SetReadDeadline(c.deadline) // it may be closed
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// wake ends a Read at which c may move, now that others may take it: the epoch is
// another one.
func (c *Conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting {
		c.woken = true
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0)) // it may be closed
	}
}

// rests notes that the server waits for another request.
func (c *Conn) rests() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase = rested
}

// SetReadDeadline implements [net.Conn].
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	switch c.phase {
	case rested:
		c.phase = looking
	case looking:
		c.phase = working
	}
	if c.woken {
		return nil // Read sets it
	}
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline implements [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// move gives c away, on the goroutine that reads. When that fails, moved is false and
// c goes on here.
func (c *Conn) move() (err error, moved bool) {
	c.mu.Lock()
	r := record{Kind: c.kind}
	if c.state != nil {
		r.State = c.state()
	}
	c.mu.Unlock()
	socket, err := c.dup()
	if err == nil {
		err = c.worker.offer(r, socket)
	}
	switch {
	case err == nil && r.Kind != "":
		return ErrMoved, true
	case err == nil, errors.Is(err, errAlone) && r.Kind == "":
		return io.EOF, true // as if the client had closed it
	}
	return nil, false
}

// dup returns a descriptor of its own for the socket.
func (c *Conn) dup() (*fd.Owned, error) {
	sc, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.New("not a socket")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	n := -1
	if ctl := raw.Control(func(p uintptr) { n, err = unix.FcntlInt(p, unix.F_DUPFD_CLOEXEC, 0) }); ctl != nil {
		return nil, ctl
	}
	if err != nil {
		return nil, err
	}
	return fd.New(n), nil
}

// Close closes the connection here. One that has moved lives on where it is.
func (c *Conn) Close() error {
	c.closed.Do(func() { c.worker.forget(c) })
	return c.Conn.Close()
}
