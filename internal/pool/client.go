package pool

import (
	"errors"
	"io"

	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/pool/nutcracker"
	"github.com/baton-project/baton/internal/wire/resp"
)

const (
	// maxUnderWay is how many requests of a client may be under way.
	maxUnderWay = 1024
	// worthwhile is how much is sent at once, and not at the end of the turn.
	worthwhile = 16 << 10
	// enough is how much a client may have to read before it is not read from,
	// and tooMuch before the link is not read from either.
	enough  = 64 << 10
	tooMuch = 256 << 10
	// maxHeld is how much is kept of replies that came before their turn.
	maxHeld = 1 << 20
	// maxWhole is the largest request that has to be kept as a whole.
	maxWhole = 64 << 20
)

// A client is one connection of a client. The worker's mutex guards it, but
// while streaming is set, when the goroutine of stream has it.
type client struct {
	conn
	worker *Worker
	pool   *livePool
	number uint64

	in  []byte // read and not used
	req resp.Request
	out []byte // to be sent

	head, tail *request // under way, in order
	underWay   int
	held       int     // bytes of replies that are held
	stalls     []*link // that wait until this client has read
	behind     int     // requests that wait on links set aside
	waits      *link   // to be read from, before more is sent over it

	dirty     bool // in the worker's list
	paused    bool // busy, and nobody reads: resume goes on
	shaking   bool // the handshake of TLS is on its way
	streaming bool // a large request has the connection to itself
	authed    bool
	library   bool             // it has said HELLO or CLIENT, and waits for an answer to QUIT
	v3        bool             // version 3 of Redis' protocol is spoken
	user      *nutcracker.User // nil: whoever knows redis_auth
	ends      bool             // closes when all replies are sent
	closed    bool
	leaving   bool // it is the giver's
	stays     bool // it could not be handed over

	bulk *bulk // the large request, until it begins
}

// Serve is for the reactor.
func (c *client) Serve(*poll.Conn) {
	w := c.worker
	w.mu.Lock()
	if c.streaming && !c.closed {
		w.mu.Unlock()
		c.stream()
		return
	}
	defer w.mu.Unlock()
	w.now = w.reactor.Tick()
	if w.killed {
		c.close()
		return
	}
	if c.unsecured() && !c.shake() {
		return
	}
	c.run()
}

// Expire is for the reactor; clients rest without a deadline.
func (c *client) Expire(*poll.Conn) {
	c.worker.mu.Lock()
	defer c.worker.mu.Unlock()
	c.close()
}

// run reads and passes on requests until there are no more or c has enough. c is
// busy and the caller's, and is at rest, closed or paused in the end. Needs
// w.mu.
func (c *client) run() {
	if c.unsecured() {
		c.rest()
		return
	}
	w := c.worker
	fresh := len(c.in) > 0 // there may be a whole request
	for {
		if c.closed {
			return
		}
		if c.stopped() {
			c.paused = true
			c.settle()
			return
		}
		b, n := w.buf[:], len(c.in)
		if n >= readSize/2 {
			c.grow()
			b = c.in[:cap(c.in)]
		} else {
			copy(b, c.in)
		}
		if !fresh {
			m, err := c.TryRead(b[n:])
			switch {
			case err == poll.ErrAgain:
				c.rest()
				return
			case err != nil:
				c.lost(err)
				return
			}
			n += m
		}
		fresh = false
		used := c.process(b[:n])
		if c.closed {
			return
		}
		c.save(b[used:n])
	}
}

// grow makes room in the buffer of a request that is kept as a whole.
func (c *client) grow() {
	if cap(c.in)-len(c.in) < readSize {
		b := make([]byte, len(c.in), 2*len(c.in)+readSize)
		copy(b, c.in)
		c.in = b
	}
}

// save keeps what was read and not used.
func (c *client) save(rest []byte) {
	if len(rest) == 0 {
		c.worker.keep(c.in)
		c.in = nil
		return
	}
	if c.in == nil {
		c.in = c.worker.spareFor(len(rest))
	}
	c.in = append(c.in[:0], rest...) // they may overlap, forwards
}

// stopped reports whether no further request is to be passed on now.
func (c *client) stopped() bool {
	return c.writing || c.ends || c.streaming || c.behind > 0 || c.waits != nil || c.closed ||
		c.underWay >= maxUnderWay || len(c.out) >= enough || c.leaving || c.departs()
}

// resume lets a paused client go on when there is no reason against it.
func (c *client) resume() {
	if c.closed || !c.paused || c.leaving {
		return
	}
	if !c.stopped() || c.bulkReady() {
		c.paused = false
		c.ServeNow()
		return
	}
	c.settle()
}

// rest waits for more. Needs w.mu.
func (c *client) rest() {
	if c.worker.draining.Load() && !c.departs() && !c.streaming {
		c.ends = true // what it has sent is answered; nobody else is there
	}
	if c.ends || c.departs() {
		c.paused = true
		c.settle()
		return
	}
	c.Rest(0)
}

// settle looks whether a client that sends nothing any more is at its end: it is
// closed, or handed over.
func (c *client) settle() {
	if c.closed || c.leaving || c.head != nil || c.writing || len(c.out) > 0 || c.streaming && c.bulk == nil {
		return
	}
	switch {
	case c.ends:
		c.close()
	case c.bulkReady():
		c.resume()
	case c.paused && c.departs():
		c.depart()
	}
}

// lost is the end of what the client sends, or of the connection.
func (c *client) lost(err error) {
	if !errors.Is(err, io.EOF) {
		c.pool.board.pool.clientErr++
		c.close()
		return
	}
	c.pool.board.pool.clientEOF++
	c.ends, c.paused = true, true
	c.settle()
}

// process passes on the requests in b and returns how many bytes they have.
func (c *client) process(b []byte) (used int) {
	if c.pool.conf.Redis {
		return c.processRedis(b)
	}
	return c.processMemcache(b)
}

// answer gives a reply that was made here. Needs w.mu.
func (c *client) answer(text string) {
	if c.head == nil {
		c.append([]byte(text))
		return
	}
	r := c.worker.request()
	r.client, r.done = c, true
	r.held = append(c.worker.spareFor(len(text)), text...)
	c.held += len(text)
	c.push(r)
}

// refuse answers what cannot be understood, and is the last answer.
func (c *client) refuse(text string) {
	c.pool.board.pool.clientErr++
	c.answer(text)
	c.ends = true
}

// push puts a request behind the others.
func (c *client) push(r *request) {
	if c.tail == nil {
		c.head = r
	} else {
		c.tail.next = r
	}
	c.tail = r
	c.underWay++
}

// append sends b, in time.
func (c *client) append(b []byte) {
	if c.closed {
		return
	}
	w := c.worker
	if len(b) >= worthwhile && len(c.out) == 0 && !c.writing && c.tls == nil {
		n, err := c.TryWrite(b)
		if err != nil && err != poll.ErrAgain {
			c.close()
			return
		}
		if b = b[n:]; len(b) == 0 {
			c.markDirty()
			return
		}
	}
	if c.out == nil {
		c.out = w.spare()
	}
	c.out = append(c.out, b...)
	c.markDirty()
}

func (c *client) markDirty() {
	if !c.dirty && !c.writing {
		c.dirty = true
		c.worker.dirtyClients = append(c.worker.dirtyClients, c)
		c.worker.flushLater()
	}
}

// flush sends what there is room for; a goroutine waits for more room.
func (c *client) flush() {
	if c.closed || c.writing {
		return
	}
	if len(c.out) > 0 {
		n, err := c.TryWrite(c.out)
		switch {
		case err == poll.ErrAgain:
			c.writing = true
			rest := append(c.worker.spare(), c.out[n:]...)
			c.worker.keep(c.out)
			c.out = nil
			go c.write(rest)
			return
		case err != nil:
			c.close()
			return
		}
	}
	c.worker.keep(c.out)
	c.out = nil
	c.relieve()
	c.resume()
	c.settle()
}

// write waits until a client reads.
func (c *client) write(b []byte) {
	w := c.worker
	for {
		_, err := c.Write(b)
		w.mu.Lock()
		w.now = w.reactor.Tick()
		w.keep(b)
		if c.closed || err != nil {
			c.writing = false
			if c.closed {
				_ = c.Close() // kill has left it to us
			}
			c.close()
			w.flushClients()
			w.mu.Unlock()
			return
		}
		if len(c.out) == 0 {
			c.writing = false
			c.flush()
			w.flushClients()
			w.mu.Unlock()
			return
		}
		b, c.out = c.out, nil
		c.relieve()
		w.mu.Unlock()
	}
}

// relieve lets links go on that wait for c, when it has read enough.
func (c *client) relieve() {
	if len(c.stalls) == 0 || len(c.out) > enough {
		return
	}
	kept := c.stalls[:0]
	for _, l := range c.stalls {
		if c.held <= maxHeld/2 || l.head != nil && l.head.isNext() {
			l.unstall()
		} else {
			kept = append(kept, l)
		}
	}
	clear(c.stalls[len(kept):])
	c.stalls = kept
}

// close ends the connection; replies that are under way are thrown away. Needs
// w.mu; c is busy and nobody is reading or writing, but a goroutine may wait in
// write.
func (c *client) close() {
	if c.closed {
		return
	}
	w := c.worker
	c.closed = true
	if c.writing {
		c.Wake(errClosed) // write closes it
	} else {
		_ = c.Close() // nobody can be told
	}
	for r := c.head; r != nil; {
		next := r.next
		r.forget()
		r = next
	}
	c.head, c.tail = nil, nil
	for _, l := range c.stalls {
		l.unstall()
	}
	c.stalls = nil
	w.keep(c.in)
	w.keep(c.out)
	c.in, c.out = nil, nil
	w.clients--
	c.pool.board.client(-1)
	w.left()
}

// kill is close from anywhere on the reactor's goroutine. Needs w.mu.
func (c *client) kill() {
	switch {
	case c.closed:
	case c.worker.reactor.Evict(&c.Conn), c.paused:
		c.close()
	case c.streaming, c.shaking:
		c.Wake(errClosed)
	} // else it is on its way to Serve
}

var errClosed = errors.New("worker is shutting down")
