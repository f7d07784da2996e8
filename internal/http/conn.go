package http

import (
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/proxyproto"
)

// A Conn is one HTTP/1 connection of a client. Between two requests it is these
// few fields in the reactor; while it is busy a goroutine serves it with an
// exchange, which has the buffers.
type Conn struct {
	poll.Conn
	worker   *Worker
	listener *Listener
	site     *site // the address the client connected to
	peer     poll.Sockaddr
	number   uint64 // for logs
	accepted int64  // tick
	requests int    // heads read so far
	idle     bool   // at rest between two requests; before the first one it is not
	located  bool   // site is certain
	greeted  bool   // what comes before the first request was read
	// introduced: of that, the header of the PROXY protocol was read.
	introduced bool
	closed     bool
	debug      bool               // debug lines may be written
	debugged   bool               // all of them are: debug_connection
	doing      string             // " while ..." in logs; "" while a request is handled
	said       *proxyproto.Header // what the PROXY protocol has said; nil for nothing
	secured    *secured           // TLS; nil: none is spoken
	carrier    *Conn              // of a stream of HTTP/2: the connection with the socket
	passed     *passed            // nil: it was accepted

	// Of handover:
	freezable bool       // see letFreeze; worker.freezing guards it, and woken
	woken     bool       // Wake(errFrozen) was called
	freezeAt  *poll.Conn // whose wait is then ended; nil: its own
	stays     bool       // it could not move: its next answer is the last one
	shared    bool       // another process may have copies of the socket
	kept      *kept      // nil when there is nothing to keep

	rested  int64         // tick at which it became idle
	minIdle time.Duration // keepalive_min_timeout
}

const (
	readingLine    = " while reading client request line"
	readingHeaders = " while reading client request headers"
	waitingRequest = " while waiting for request"
	readingProxied = " while reading PROXY protocol"
	sendingAnswer  = " while sending to client"
	loggingRequest = " while logging request"
)

// Serve is called by the reactor when there is something to read.
func (c *Conn) Serve(*poll.Conn) {
	x := c.worker.exchanges.Get().(*exchange)
	x.conn = c
	if c.debug {
		c.debugServe()
	}
	defer c.guard(x)
	if c.kept != nil && !c.unpack(x) {
		return
	}
	if !c.greeted && !c.greet(x) {
		return
	}
	if c.site.mayBeHTTP2 && c.requests == 0 && !c.idle {
		starts, gone := c.http2Starts(x)
		if gone {
			return
		}
		if starts {
			c.startHTTP2(x)
			return
		}
	}
	for c.serveOne(x) {
	}
}

// guard ends a connection whose code panicked; the worker lives on.
func (c *Conn) guard(x *exchange) {
	reason := recover()
	if reason == nil {
		return
	}
	logger := c.worker.main.env.Logger
	logger.Logf(log.Alert, c.number, "panic: %v", reason)
	logger.Logf(log.Debug, c.number, "%s", debug.Stack())
	if x.conn != nil {
		x.req.end()
		x.leaveStats()
	}
	c.close(false)
}

// Expire is called by the reactor when nothing came in time.
func (c *Conn) Expire(*poll.Conn) {
	if !c.idle {
		c.logf(log.Info, "client timed out (110: Connection timed out)%s", c.awaited())
	}
	c.close(false)
}

// awaited is what the connection waits for before its first request.
func (c *Conn) awaited() string {
	if c.site.proxied && !c.greeted {
		return readingProxied
	}
	if c.site.ssl && c.secured == nil {
		return shakingHands
	}
	return waitingRequest
}

// serveOne reads and answers one request. It reports whether the next one is to
// be looked for at once; else the connection is at rest or closed and x is
// given back.
func (c *Conn) serveOne(x *exchange) (again bool) {
	rc, got := c.readHead(x)
	switch got {
	case headNone:
		c.settle(x, c.restTime)
		return false
	case headLost:
		c.finish(x, false)
		return false
	case headFrozen:
		c.freezeHead(x)
		return false
	}
	r := &x.req
	c.requests++
	c.idle = false
	c.doing = ""
	c.worker.stats.Requests.Add(1)
	x.setPhase(writing)
	if c.site.ssl && rc == Declined {
		rc = r.checkSecure()
	}
	r.run(rc)
	if r.tunnel != nil {
		c.worker.start(r.tunnel)
		return false
	}
	if r.loc.answers.PostAction.V != "" {
		r.runPostAction()
	}
	if r.background != nil {
		if !r.broken {
			_ = x.flush() // r remembers its error
		}
		r.awaitBackground()
	}
	return c.endRequest(x)
}

// endRequest decides what becomes of the connection after an answer.
func (c *Conn) endRequest(x *exchange) (again bool) {
	if c.kept != nil {
		c.departBusy(x)
		return false
	}
	r := &x.req
	keep := r.keepAlive && !r.broken
	if keep && !r.body.done {
		keep = x.flush() == nil && x.drainBody()
	}
	pipelined := x.at < len(x.in) || c.buffered()
	if r.Debugging() {
		r.debugEnd()
	}
	if keep && !pipelined {
		keep = x.flush() == nil
	}
	if !keep {
		c.finish(x, !r.broken && c.lingers(x))
		return false
	}
	timeout := r.loc.conn.KeepaliveTimeout.V
	x.logRequest()
	x.leaveStats()
	if c.debug {
		c.debugf("set http keepalive handler")
	}
	c.idle, c.rested = true, c.worker.reactor.Tick()
	c.minIdle = r.loc.conn.KeepaliveMinTimeout.V
	x.start = x.at
	if pipelined && c.departs() {
		c.kept = &kept{ahead: append([]byte(nil), x.in[x.at:]...)}
	} else if pipelined {
		if c.debug {
			c.debugf("pipelined request")
		}
		return true
	}
	c.settle(x, func() time.Duration { return timeout })
	return false
}

// finish ends the connection: what is in the buffer is sent, the request is
// logged, and the socket closed, perhaps after reading what the client still
// sends: closing at once would make the kernel throw the answer away.
func (c *Conn) finish(x *exchange, linger bool) {
	r := &x.req
	reset := r.loc != nil && r.loc.conn.ResetTimedout.V && (r.timedOut || r.errStatus == int(StatusNoResponse))
	last := !linger && !reset && c.saidLast(x)
	if !r.broken && x.flushAnd(last) != nil {
		linger = false
	}
	if r.loc != nil {
		x.logRequest()
	}
	x.leaveStats()
	if linger && c.ShutdownWrite() == nil {
		if c.debug {
			c.debugf("http lingering close handler")
		}
		x.linger(r.loc.conn)
	}
	c.worker.put(x)
	c.close(reset)
}

// saidLast reports whether the client has announced that it will send nothing
// more. The answer can then leave in one packet with the end of the stream;
// with anything unread the kernel would drop both.
func (c *Conn) saidLast(x *exchange) bool {
	r := &x.req
	return r.Head.Err.Status == 0 && !r.Head.KeepAlive() && r.body.done && x.at == len(x.in)
}

// lingers reports whether the client may still be sending.
func (c *Conn) lingers(x *exchange) bool {
	r := &x.req
	switch r.loc.conn.LingeringClose.V {
	case lingerAlways:
		return true
	case lingerOn:
		return r.linger && !r.body.done || x.at < len(x.in) || !c.Quiet() || r.Head.Err.Status != 0
	}
	return false
}

// settle gives the exchange back and lets the connection rest, unless the
// worker is draining.
func (c *Conn) settle(x *exchange, timeout func() time.Duration) {
	w := c.worker
	if len(x.out) > 0 && x.flush() != nil {
		c.finish(x, false)
		return
	}
	d := timeout()
	if c.debug {
		c.debugf("event timer add: %d: %d", c.descriptor(), d.Milliseconds())
	}
	w.put(x)
	w.settling.Add(1)
	defer w.settling.Add(-1)
	if w.draining.Load() {
		c.depart()
		return
	}
	if c.secured != nil {
		c.secured.stream.Rest()
	}
	c.Rest(d)
}

// dismiss closes the connection, which the caller has taken from its rest,
// because the worker drains. One that waits for its first request, or for
// keepalive_min_timeout to pass, rests on: a request may be on its way.
func (c *Conn) dismiss() {
	if !c.idle {
		c.Rest(c.restTime())
		return
	}
	rested := time.Duration(c.worker.reactor.Tick()-c.rested) * time.Millisecond
	if rested < c.minIdle {
		c.Rest(c.minIdle - rested)
		return
	}
	c.close(false)
}

// restTime is how long a connection waits on for what it waited for already.
func (c *Conn) restTime() time.Duration {
	if c.idle {
		return c.site.server.whole.conn.KeepaliveTimeout.V
	}
	timeout := c.site.server.conf.HeaderTimeout.V
	waited := time.Duration(c.worker.reactor.Tick()-c.accepted) * time.Millisecond
	return max(timeout-waited, time.Millisecond)
}

// close ends the connection without further words; reset sends an RST.
func (c *Conn) close(reset bool) {
	if c.closed {
		return // a panic came behind the end
	}
	c.closed = true
	if c.debug {
		c.debugf("close http connection: %d", c.descriptor())
	}
	if c.secured != nil && !reset {
		_ = c.secured.stream.Close() // it is always nil
	}
	if c.shared {
		_ = c.ShutdownBoth() // a copy that is forgotten somewhere must not keep it open
	}
	if reset {
		_ = c.CloseReset() // nobody is left to tell
	} else {
		_ = c.Close()
	}
	c.passed.end()
	c.worker.stats.Active.Add(-1)
	c.worker.left()
}

// locate finds the site of a connection to a socket that serves several
// addresses.
func (c *Conn) locate() {
	if c.located {
		return
	}
	c.located = true
	if len(c.listener.sites) < 2 {
		return
	}
	if local, err := c.LocalAddr(); err == nil {
		c.site = c.listener.siteOf(local)
	}
}

// siteOf finds the site of connections to an address.
func (l *Listener) siteOf(local poll.Sockaddr) *site {
	if len(l.sites) > 1 && !local.IsUnix() {
		if s := l.sites[listen.TCP(netip.AddrPortFrom(local.Addr(), uint16(local.Port())))]; s != nil {
			return s
		}
	}
	return l.own
}

// logf writes a line that belongs to no request.
func (c *Conn) logf(level log.Level, format string, args ...any) {
	logger := c.logger(c.site.server.whole.logger)
	if logger.Enabled(level) {
		args = append(args, c.peer, c.site.address)
		logger.Logf(level, c.number, format+", client: %s, server: %s", args...)
	}
}

// localHost is the address the client connected to, without port, in r's
// memory.
func (c *Conn) localHost(r *Request) string {
	local, err := c.LocalAddr()
	if err != nil || local.IsUnix() {
		return ""
	}
	dst := r.Scratch(len("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]"))
	if addr := local.Addr(); addr.Is6() {
		return View(append(addr.AppendTo(append(dst, '[')), ']'))
	}
	return View(local.Addr().AppendTo(dst))
}

// localPort is the port the client connected to; 0 for a unix socket.
func (c *Conn) localPort() int {
	if ip := c.site.address.IP(); ip.IsValid() {
		return int(ip.Port())
	}
	return 0
}
