package pool

import (
	"errors"
	"io"
	"time"

	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/memcache"
	"github.com/baton-project/baton/internal/wire/resp"
)

// A large request goes over a connection that it has for itself, as its bytes
// come, once the client's earlier replies are sent: nobody else waits for a
// client that sends slowly. One goroutine passes the request and its reply on,
// and waits where there is no room.

// maxBulks is how many large requests a server is given at a time by a worker.
const maxBulks = 64

// A bulk is a large request on its way.
type bulk struct {
	server *server
	req    resp.Request // of Redis
	left   int64        // of memcached's value, with its CRLF
	silent bool         // memcached's noreply
	ahead  []byte       // bytes of the request, and what the client sent behind
	note   *note        // for the slow log; nil: none is kept
	first  int          // how many of them belong to the request for sure
}

// bulks are the connections of a server that large requests use.
type bulks struct {
	idle    []*bulkConn
	open    int
	waiting []*client
}

// A bulkConn is one of them.
type bulkConn struct {
	conn
	server *server
	v3     bool // version 3 of Redis' protocol is spoken
}

// Serve is for the reactor: an idle connection has ended, or says something that
// nobody has asked for.
func (b *bulkConn) Serve(*poll.Conn) {
	w := b.server.pool.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	b.server.bulks.remove(b)
	_ = b.Close() // nothing was under way
}

// Expire is for the reactor.
func (b *bulkConn) Expire(c *poll.Conn) { b.Serve(c) }

// bulkIdle is how long a connection for large requests is kept.
const bulkIdle = 10 * time.Second

func (b *bulks) remove(c *bulkConn) {
	for i, o := range b.idle {
		if o == c {
			b.idle = append(b.idle[:i], b.idle[i+1:]...)
			return
		}
	}
}

// take takes one that speaks that version; nil when there is none.
func (b *bulks) take(v3 bool) *bulkConn {
	for i := len(b.idle) - 1; i >= 0; i-- {
		if c := b.idle[i]; c.v3 == v3 {
			b.remove(c)
			return c
		}
	}
	return nil
}

func (b *bulks) close() {
	for _, c := range b.idle {
		_ = c.Close() // nothing is under way
	}
	b.idle = nil
}

// large looks at a request of Redis that is longer than what is looked at as a
// whole, and returns how many bytes it has taken from b.
func (c *client) large(b []byte) int {
	cmd := (*resp.Command)(nil)
	if c.req.Seen > 0 {
		if cmd = resp.Find(c.req.Arg(0).Of(b)); cmd == nil {
			c.refuse("-ERR request of an unknown command is too large\r\n")
			return len(b)
		}
	}
	key := 1
	if cmd != nil && cmd.Kind == resp.Eval {
		key = 3
	}
	single := cmd != nil && (cmd.Kind == resp.Keyed || cmd.Kind == resp.Eval ||
		cmd.Kind == resp.Pairs && c.req.Count == 3)
	switch {
	case !single || c.req.Seen <= key:
		if c.req.Least() > maxWhole || len(b) > maxWhole {
			c.refuse("-ERR request is too large\r\n")
			return len(b)
		}
		return 0 // it is kept as a whole
	case c.check(cmd, b) != "":
		c.refuse(c.check(cmd, b)) // the rest is not waited for
		return len(b)
	}
	s := c.pool.route(c.req.Arg(key).Of(b))
	if s == nil {
		c.refuse(c.pool.errorReply(refused))
		return len(b)
	}
	first := c.req.Detachable(len(b))
	c.req.Detach(first)
	c.startBulk(&bulk{server: s, note: c.note(b, c.req.Arg(key).Of(b), 1), req: c.req, ahead: append([]byte(nil), b...), first: first})
	c.req = resp.Request{}
	return len(b)
}

// largeMemcache is large for memcached; all of b belongs to the value of r.
func (c *client) largeMemcache(b []byte, r *memcache.Request) int {
	s := c.pool.route(b[r.Keys[0]:r.Keys[1]])
	if s == nil {
		c.refuse(c.pool.errorReply(refused))
		return len(b)
	}
	left := int64(r.Line) + r.Value - int64(len(b))
	c.startBulk(&bulk{server: s, note: c.note(b, b[r.Keys[0]:r.Keys[1]], 1), left: left, silent: r.NoReply, ahead: append([]byte(nil), b...), first: len(b)})
	return len(b)
}

// startBulk lets a large request begin when everything before it is answered.
func (c *client) startBulk(b *bulk) {
	c.streaming, c.bulk = true, b
}

// bulkReady reports whether a large request may begin now.
func (c *client) bulkReady() bool {
	if c.bulk == nil || c.head != nil || c.writing || len(c.out) > 0 {
		return false
	}
	return true
}

// stream serves a large request. c is busy and this goroutine's alone.
func (c *client) stream() {
	w := c.worker
	w.mu.Lock()
	b := c.bulk
	c.bulk = nil
	s := b.server
	if s.bulks.open >= maxBulks {
		c.bulk = b
		s.bulks.waiting = append(s.bulks.waiting, c)
		c.paused = false // whoever ends lets it go on
		w.mu.Unlock()
		return
	}
	to := s.bulks.take(c.v3)
	if to != nil && !w.reactor.Evict(&to.Conn) {
		to = nil // it has just ended
	}
	s.bulks.open++
	w.mu.Unlock()

	t := &transfer{client: c, server: s, bulk: b, to: to, buf: make([]byte, 2*readSize)}
	err := t.run()

	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.reactor.Tick()
	t.done(err)
	c.streaming = false
	if err != nil || w.killed {
		c.pool.board.pool.clientErr++
		c.close()
	} else {
		c.in = append(c.in[:0], t.rest...)
		c.ServeNow()
	}
	w.flushClients()
	w.flushLater()
}

// A transfer is a large request at work.
type transfer struct {
	client *client
	server *server
	bulk   *bulk
	to     *bulkConn // nil: none, or it has failed
	buf    []byte
	why    error  // why the server has failed
	rest   []byte // what the client sent behind the request
	size   int64
	back   int64
}

// errHalf says that a reply broke off.
var errHalf = errors.New("reply is not complete")

// run passes the request on and then the reply. An error means that the client
// cannot go on.
func (t *transfer) run() error {
	if t.to == nil {
		t.connect()
	}
	if err := t.request(); err != nil {
		return err
	}
	if t.bulk.silent {
		return nil
	}
	if t.why == nil {
		if err := t.reply(); err != nil {
			return err
		}
	}
	if t.why != nil {
		_, err := t.client.Write([]byte(t.client.pool.errorReply(reason(t.why))))
		return err
	}
	return nil
}

// connect opens a connection and says what a server wants to be told first.
func (t *transfer) connect() {
	c := &bulkConn{server: t.server, v3: t.client.v3}
	if t.why = t.server.dial(&c.conn, c); t.why != nil {
		return
	}
	t.to = c
	c.SetReadTimeout(t.server.pool.conf.Timeout)
	c.SetWriteTimeout(t.server.pool.conf.Timeout)
	for _, word := range t.server.greeting(c.v3) {
		if _, err := c.Write([]byte(word)); err != nil {
			t.drop(err)
			return
		}
		if err := t.skipReply(); err != nil {
			t.drop(err)
			return
		}
	}
}

// skipReply reads one reply that nobody wants.
func (t *transfer) skipReply() error {
	r := resp.Reply{V3: t.to.v3}
	for n := 0; ; {
		m, err := t.to.Read(t.buf[n : n+1]) // not a byte more
		if err != nil {
			return err
		}
		n += m
		used, done, err := r.Next(t.buf[:n])
		if done && r.Kind == '-' && r.V3 {
			return errVersion
		}
		if done || err != nil {
			return err
		}
		if n -= used; n >= len(t.buf)-1 {
			return resp.ErrReply
		}
	}
}

// drop gives the connection up.
func (t *transfer) drop(err error) {
	if t.to != nil {
		_ = t.to.Close() // what it was to carry has failed
	}
	t.to, t.why = nil, err
}

// send writes to the server, as long as there is one.
func (t *transfer) send(b []byte) {
	t.size += int64(len(b))
	if t.to == nil || len(b) == 0 {
		return
	}
	if _, err := t.to.Write(b); err != nil {
		t.drop(err)
	}
}

// request passes the request on; all of it is read, even without a server.
func (t *transfer) request() error {
	b := t.bulk
	t.send(b.ahead[:b.first])
	rest := b.ahead[b.first:]
	b.ahead = nil
	n := copy(t.buf, rest)
	for {
		used, done, err := t.next(t.buf[:n])
		t.send(t.buf[:used])
		if err != nil {
			t.drop(err)
			_, _ = t.client.Write([]byte(protocolError + err.Error() + "\r\n")) // it is closed anyway
			return err
		}
		n = copy(t.buf, t.buf[used:n])
		if done {
			t.rest = append([]byte(nil), t.buf[:n]...)
			return nil
		}
		m, err := t.client.Read(t.buf[n:])
		if err != nil {
			t.drop(err)
			return err
		}
		n += m
	}
}

// next finds how much of b belongs to the request.
func (t *transfer) next(b []byte) (n int, done bool, err error) {
	if t.client.pool.conf.Redis {
		return t.bulk.req.Skip(b)
	}
	n = int(min(int64(len(b)), t.bulk.left))
	t.bulk.left -= int64(n)
	return n, t.bulk.left == 0, nil
}

// reply passes the reply on.
func (t *transfer) reply() error {
	redis := resp.Reply{V3: t.client.v3}
	var values memcache.Stream
	begun := false
	for n := 0; ; {
		m, err := t.to.Read(t.buf[n:])
		if err != nil {
			if t.drop(err); begun {
				return errHalf
			}
			return nil
		}
		n += m
		var used int
		var done bool
		if t.client.pool.conf.Redis {
			used, done, err = redis.Next(t.buf[:n])
		} else {
			used, done, err = values.Next(t.buf[:n])
		}
		if err == nil && done && used < n {
			err = errStray
		}
		if err == nil && !begun && used > 0 && t.buf[0] == '-' && resp.Transient(t.buf[:used]) {
			err = errTransient
		}
		if err != nil {
			if t.drop(err); begun {
				return errHalf
			}
			return nil
		}
		if used > 0 {
			begun = true
			t.back += int64(used)
			if _, err := t.client.Write(t.buf[:used]); err != nil {
				t.drop(err)
				return err
			}
		}
		if done {
			return nil
		}
		if n = copy(t.buf, t.buf[used:n]); n == len(t.buf) {
			t.drop(resp.ErrReply)
			return errHalf
		}
	}
}

// done keeps the connection, counts, and lets others go on. It needs the
// worker's mutex.
func (t *transfer) done(err error) {
	s := t.server
	s.bulks.open--
	board := s.board
	board.requests++
	board.requestBytes += t.size
	switch {
	case t.why != nil && !errors.Is(err, io.EOF):
		board.err++
		if t.why != errVersion {
			s.failed()
		}
	case err == nil && !t.bulk.silent:
		board.responses++
		board.responseBytes += t.back
		board.well()
	}
	if n := t.bulk.note; n != nil && err == nil {
		failed := ""
		if t.why != nil {
			failed = reason(t.why)
		}
		s.pool.over(n, "server "+s.conf.Name, t.client, failed)
	}
	if t.to != nil {
		if err == nil && !t.bulk.silent && !t.client.worker.draining.Load() {
			s.bulks.idle = append(s.bulks.idle, t.to)
			t.to.Rest(bulkIdle)
		} else {
			_ = t.to.Close() // everything it carried has arrived
		}
	}
	if len(s.bulks.waiting) > 0 {
		next := s.bulks.waiting[0]
		s.bulks.waiting = append(s.bulks.waiting[:0], s.bulks.waiting[1:]...)
		if !next.closed {
			next.ServeNow()
		}
	}
}
