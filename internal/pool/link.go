package pool

import (
	"errors"
	"io"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/memcache"
	"github.com/baton-project/baton/internal/wire/resp"
)

// maxUnsent is how much may wait to be sent to a server before clients that
// want to send more are not read from.
const maxUnsent = 1 << 20

// A link is one connection to a server, shared by all clients of the worker. The
// worker's mutex guards it.
//
//	connecting --> ready --> closed
//	                 |  ^
//	           stall v  | unstall
//	               stalled: nobody reads; it is no more among the server's links
type link struct {
	conn
	worker *Worker
	server *server
	slot   int  // among the server's links
	aside  bool // another one may have taken that place
	v3     bool // version 3 of Redis' protocol is spoken

	out    []byte // to be sent
	queued int64  // bytes ever put into out
	sent   int64  // bytes of these that were sent, or are being sent by write
	ready  bool
	closed bool
	dirty  bool // in the worker's list
	busy   bool // not at rest

	head, tail *request // wait for replies
	in         []byte   // read and not used
	reply      resp.Reply
	values     memcache.Stream
	begun      bool // a part of the head's reply was read

	stalled   *client // who has to read first
	stalledAt int64
	waiting   []*client // until there is less to be sent
}

// send puts a request, whose bytes were appended to out, behind the others. r
// is nil for one without a reply.
func (l *link) send(r *request, size int) {
	w := l.worker
	l.queued += int64(size)
	b := l.server.board
	b.requests++
	b.requestBytes += int64(size)
	if r != nil {
		r.size, r.end, r.at = size, l.queued, w.now
		l.push(r)
	}
	l.markDirty()
}

func (l *link) push(r *request) {
	if l.tail == nil {
		l.head = r
		if t := l.server.pool.timeout; t > 0 {
			l.worker.due(r.at + t)
		}
	} else {
		l.tail.behind = r
	}
	l.tail = r
}

func (l *link) markDirty() {
	if !l.dirty {
		l.dirty = true
		l.worker.dirtyLinks = append(l.worker.dirtyLinks, l)
		l.worker.flushLater()
	}
}

// full makes c wait when the server does not keep up.
func (l *link) full(c *client) {
	if len(l.out) > maxUnsent && c.waits == nil {
		c.waits = l
		l.waiting = append(l.waiting, c)
	}
}

// idle reports that the server owes nothing.
func (l *link) idle() bool {
	return l.head == nil || l.sent <= l.head.end-int64(l.head.size) && !l.begun
}

// flush sends what there is room for. What has come meanwhile from a server that
// owes nothing is looked at first.
func (l *link) flush() {
	if !l.ready || l.closed || l.writing || len(l.out) == 0 {
		return
	}
	if l.idle() && !l.Quiet() && !l.busy && l.stalled == nil {
		return // Serve is on its way, and will come back to this
	}
	n, err := l.TryWrite(l.out)
	l.sent += int64(n)
	switch {
	case err == poll.ErrAgain:
		l.writing = true
		rest := append(l.worker.spare(), l.out[n:]...)
		l.sent += int64(len(rest)) // the reply may be here before write is back
		l.worker.keep(l.out)
		l.out = nil
		go l.write(rest)
	case err != nil:
		l.fail(err)
	default:
		l.emptied()
	}
}

func (l *link) emptied() {
	l.worker.keep(l.out)
	l.out = nil
	l.release()
}

// release lets clients go on that waited for room.
func (l *link) release() {
	waiting := l.waiting
	l.waiting = nil
	for _, c := range waiting {
		c.waits = nil
		c.resume()
	}
}

// write waits until the server reads.
func (l *link) write(b []byte) {
	w := l.worker
	for {
		_, err := l.Write(b)
		w.mu.Lock()
		w.now = w.reactor.Tick()
		w.keep(b)
		if l.closed || err != nil {
			l.writing = false
			if l.closed {
				_ = l.Close() // fail has left it to us
			} else {
				l.fail(err)
			}
			w.flushLater()
			w.mu.Unlock()
			return
		}
		if len(l.out) == 0 {
			l.writing = false
			l.release()
			w.mu.Unlock()
			return
		}
		b, l.out = l.out, nil
		l.sent += int64(len(b))
		l.release()
		w.mu.Unlock()
	}
}

// Serve is for the reactor.
func (l *link) Serve(*poll.Conn) {
	w := l.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.reactor.Tick()
	l.busy = true
	l.read()
	w.flushLater() // replies of all links of the turn together, and counters
}

// Expire is for the reactor; links rest without a deadline.
func (l *link) Expire(*poll.Conn) { l.Serve(&l.Conn) }

// read takes all replies that are there. l is busy, and at rest, stalled or
// closed in the end.
func (l *link) read() {
	w := l.worker
	fresh := len(l.in) > 0 // there may be a whole reply
	for got := 0; !l.closed && l.stalled == nil; {
		if got > tooMuch { // the turn may be long
			w.flushClients()
			got = 0
		}
		n := copy(w.buf[:], l.in)
		if !fresh {
			if n == len(w.buf) {
				l.fail(resp.ErrReply) // a line without an end
				return
			}
			m, err := l.TryRead(w.buf[n:])
			if err == poll.ErrAgain {
				l.busy = false
				l.Rest(0)
				l.markDirty() // what flush has left to us
				return
			}
			if err != nil {
				l.fail(err)
				return
			}
			n += m
			got += m
		}
		fresh = false
		used, err := l.take(w.buf[:n])
		if err != nil {
			l.fail(err)
			return
		}
		l.save(w.buf[used:n])
	}
}

func (l *link) save(rest []byte) {
	if len(rest) == 0 {
		l.worker.keep(l.in)
		l.in = nil
		return
	}
	if l.in == nil {
		l.in = l.worker.spare()
	}
	l.in = append(l.in[:0], rest...)
}

// take gives the replies in b to those who wait for them.
func (l *link) take(b []byte) (used int, err error) {
	for used < len(b) && !l.closed && l.stalled == nil {
		r := l.head
		if r == nil || l.sent < r.end {
			return used, errStray
		}
		n, done, err := l.next(b[used:], r)
		if err != nil {
			return used, err
		}
		if n == 0 && !done {
			return used, nil
		}
		part := b[used : used+n]
		used += n
		if !l.begun {
			l.begun = true
			if err := l.look(r, part); err != nil {
				return used, err
			}
		}
		board := l.server.board
		board.responseBytes += int64(n)
		if n > 0 && !r.silent {
			r.take(part)
			r.taken = true
		}
		if done {
			l.pop()
			board.responses++
			board.well()
			l.unwait(r)
			if r.note != nil {
				l.server.over(r, "")
			}
			c := r.client
			if r.silent {
				l.worker.release(r)
			} else {
				r.finish()
			}
			if c != nil && len(c.out) > worthwhile {
				c.flush()
			}
			l.comeBack()
			continue
		}
		l.check(r)
	}
	return used, nil
}

// next reads on in the reply for r.
func (l *link) next(b []byte, r *request) (n int, done bool, err error) {
	if l.server.pool.conf.Redis {
		return l.reply.Next(b)
	}
	l.values.Values = r.values
	return l.values.Next(b)
}

// look looks at the beginning of a reply.
func (l *link) look(r *request, b []byte) error {
	if len(b) == 0 || b[0] != '-' || !l.server.pool.conf.Redis {
		return nil
	}
	switch {
	case r.silent && l.v3:
		l.server.sayVersion(line(b))
		return errVersion
	case r.silent:
		l.worker.main.logger.Logf(log.Error, 0, "server %s of pool %s: %s", l.server.conf.Name, l.server.pool.conf.Name, line(b))
	case resp.Transient(b):
		return errTransient
	case resp.Moved(b):
		l.server.sayMoved(line(b))
	}
	return nil
}

// pop removes the first request.
func (l *link) pop() {
	r := l.head
	if l.head = r.behind; l.head == nil {
		l.tail = nil
	}
	r.behind = nil
	l.begun = false
	l.reply, l.values = resp.Reply{V3: l.v3}, memcache.Stream{}
}

// check stalls the link when the client of r has enough.
func (l *link) check(r *request) {
	c := r.client
	if c == nil || c.closed || r.silent {
		return
	}
	if len(c.out) > worthwhile && !c.writing {
		c.flush()
	}
	switch {
	case c.closed || r.client == nil:
	case len(c.out) > tooMuch, c.held > maxHeld && !r.isNext():
		l.stall(c)
	}
}

var (
	errStray     = errors.New("reply that nobody has asked for")
	errTransient = errors.New("server cannot answer at the moment")
	errTimeout   = errors.New("timed out")
)

// fail ends the link. Everybody who waits gets an error, but for those whose
// request was not sent when the server had nothing to answer: these get another
// link.
func (l *link) fail(err error) {
	if l.closed {
		return
	}
	w, s := l.worker, l.server
	l.closed = true
	idle := l.idle() && l.ready && !l.writing
	if l.writing || !l.ready && s.pool.security.servers != nil {
		l.Wake(errClosed) // write or connect closes it
	} else {
		_ = l.Close() // nothing is in it that could be saved
	}
	s.remove(l)
	if err == io.EOF {
		s.board.eof++
	} else if err == errTimeout {
		s.board.timedout++
	} else {
		s.board.err++
	}
	s.board.connection(-1)
	s.complain(err)
	first := l.head
	l.head, l.tail = nil, nil
	if c := l.stalled; c != nil {
		c.unlist(l)
		l.stalled = nil
	}
	if !idle && err != errVersion {
		s.failed()
	}
	if errors.Is(err, errStray) || errors.Is(err, resp.ErrReply) {
		w.main.logger.Logf(log.Error, 0, "server %s of pool %s: %v", s.conf.Name, s.pool.conf.Name, err)
	}
	if idle && first != nil && !l.aside && !first.moved {
		l.moveTo(s.open(l.slot), first)
	} else {
		why := reason(err)
		for r := first; r != nil; {
			next := r.behind
			r.behind = nil
			l.unwait(r)
			if r.note != nil {
				s.over(r, why)
			}
			if r.silent {
				w.release(r)
			} else {
				r.fail(w, why)
			}
			r = next
		}
	}
	w.keep(l.in)
	w.keep(l.out)
	l.in, l.out = nil, nil
	l.release()
	w.flushLater()
}

// moveTo gives the requests that were not sent to another link.
func (l *link) moveTo(to *link, first *request) {
	rest := l.out
	for r := first; r != nil; {
		next := r.behind
		r.behind, r.moved = nil, true
		to.out = append(to.bytes(), rest[:r.size]...)
		rest = rest[r.size:]
		to.queued += int64(r.size)
		r.end = to.queued
		to.push(r)
		r = next
	}
	to.markDirty()
}

// bytes is the buffer to append to.
func (l *link) bytes() []byte {
	if l.out == nil {
		l.out = l.worker.spare()
	}
	return l.out
}

// expire ends the link when its first request has waited for too long, or the
// client that others wait for.
func (l *link) expire() {
	if l.closed {
		return
	}
	t, now := l.server.pool.timeout, l.worker.now
	if c := l.stalled; c != nil {
		bound := max(t, stallBound)
		switch {
		case !l.othersWait():
			l.stalledAt = now
			l.worker.due(now + bound)
		case now >= l.stalledAt+bound:
			c.close()
		default:
			l.worker.due(l.stalledAt + bound)
		}
		return
	}
	if t == 0 || l.head == nil {
		return
	}
	if due := l.head.at + t; now < due {
		l.worker.due(due)
		return
	}
	l.fail(errTimeout)
}

// othersWait reports whether anybody but the client that has to read first waits
// for a reply.
func (l *link) othersWait() bool {
	for r := l.head; r != nil; r = r.behind {
		if r.client != nil && r.client != l.stalled {
			return true
		}
	}
	return false
}

// line is the first line of b.
func line(b []byte) []byte {
	for i, c := range b {
		if c == '\r' || i == 200 {
			return b[:i]
		}
	}
	return b
}
