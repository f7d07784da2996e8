package http

import (
	"errors"
	"io"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h1"
	"golang.org/x/sys/unix"
)

// headResult says what reading a head came to.
type headResult uint8

const (
	headReady  headResult = iota // the request is to be run with the result that came along
	headNone                     // nothing is there; the connection may rest
	headLost                     // the client is gone or too slow; the request is to be logged
	headFrozen                   // the connection is to move with what was read
)

// readHead reads the head of the next request into x.req.
func (c *Conn) readHead(x *exchange) (Result, headResult) {
	c.locate()
	r := &x.req
	r.reset(c, x)
	r.pipelined = x.start < len(x.in) && c.requests > 0
	x.at = x.start
	options := &c.site.server.conf.parsing
	c.doing = readingLine
	if c.debug && r.pipelined {
		c.debugf("http process request line")
	}
	for {
		r.head = x.in[x.start:]
		switch r.Head.Parse(r.head, options) {
		case h1.More:
			if rc, got := c.readMore(x); got != headReady || rc != Declined {
				return rc, got
			}
		case h1.Line:
			c.doing = readingHeaders
			if r.Head.Server.Len() > 0 {
				options = r.chooseServer()
			}
			if r.Debugging() {
				r.debugLine()
			}
			if r.Head.Version == h1.HTTP09 { // has no headers
				x.at = x.start + r.Head.Pos()
				return r.accept(), headReady
			}
		case h1.Host:
			options = r.chooseServer()
		case h1.Ignored:
			if r.LogEnabled(log.Info) {
				r.Logf(log.Info, "%s", r.Head.IgnoredText(r.head))
			}
		case h1.Done:
			x.at = x.start + r.Head.Pos()
			return r.accept(), headReady
		case h1.Failed:
			return r.refuse(&r.Head.Err), headReady
		}
	}
}

// chooseServer finds the server for the host that the request names, and how
// its heads are read.
func (r *Request) chooseServer() *h1.Options {
	name := r.Head.Server.View(r.head)
	r.Host = View(h1.AppendLower(r.Scratch(len(name)), name))
	s := r.conn.site.byHost.find(r, r.Host)
	if s == nil {
		s = r.conn.site.server
		if r.Host == "" {
			s = r.conn.defaultServer()
		}
	}
	r.server, r.loc = s, s.whole
	return &s.conf.parsing
}

// refuse answers a head that is no request.
func (r *Request) refuse(err *h1.Error) Result {
	if r.server == nil {
		r.server = r.conn.defaultServer()
		r.loc = r.server.whole
	}
	r.Logf(log.Info, "%s", err.Text)
	r.conn.doing = ""
	r.received = int64(r.Head.LineStart() - r.Head.Start())
	r.Method = r.Head.Method
	r.keepAlive = false
	r.body.done = true
	return Result(err.Status)
}

// accept prepares a request whose head is complete.
func (r *Request) accept() Result {
	if r.server == nil {
		r.chooseServer()
	}
	r.received = int64(r.Head.Pos() - r.Head.Start())
	if err := r.checkLineLengths(); err != nil {
		r.Head.Target = h1.Span{}
		return r.refuse(err)
	}
	size := r.Head.Target.Len() + 1
	uri, decoded, err := r.Head.URI(r.Scratch(size), r.head, r.server.conf.MergeSlashes.V)
	if err != nil {
		r.Head.Target = h1.Span{} // it is no $request_uri
		return r.refuse(err)
	}
	text := r.head
	if uri.Decoded {
		text = decoded
	}
	r.URI, r.Exten = uri.Path.View(text), uri.Exten.View(text)
	r.Args = uri.Args.View(r.head)
	r.Method = r.Head.Method
	r.keepAlive = r.Head.KeepAlive() && r.Method != h1.CONNECT
	if r.Debugging() {
		r.debugHead()
	}
	r.body.begin(&r.Head)
	r.linger = !r.body.done
	return Declined
}

// checkLineLengths refuses a head that came so fast that it overran the
// configured buffers before their sizes were looked at.
func (r *Request) checkLineLengths() *h1.Error {
	limits := r.conn.site.server.conf
	if r.Head.Pos() <= int(limits.HeaderBuffer.V) {
		return nil
	}
	if r.Head.Request.Len() > limits.headerLineMax {
		return &h1.Error{Status: 414, Text: "client sent too long URI"}
	}
	tooLong := r.Head.Pos() > limits.headerTotalMax
	for i := range r.Head.Headers {
		h := &r.Head.Headers[i]
		if int(h.Value.End-h.Name.Start) > limits.headerLineMax {
			tooLong = true
		}
	}
	if tooLong {
		return &h1.Error{Status: int(statusHeaderTooLarge), Text: "client sent too long header line"}
	}
	return nil
}

// readMore reads more of a head. A head of which nothing has come yet is not
// waited for here.
func (c *Conn) readMore(x *exchange) (Result, headResult) {
	r := &x.req
	conf := c.site.server.conf
	if r.Head.Blank() { // nothing but empty lines
		x.in, x.start, x.at = x.in[:0], 0, 0
		r.Head.Reset()
	} else if len(r.head)-r.Head.LineStart() >= conf.headerLineMax || len(r.head) >= conf.headerTotalMax {
		return r.refuse(r.Head.TooLong(r.head)), headReady
	}
	x.makeRoom(conf.headerTotalMax)
	free := x.in[len(x.in):cap(x.in)]
	n, err := c.TryRead(free)
	if errors.Is(err, poll.ErrAgain) {
		if len(x.in) == x.start {
			return Declined, headNone
		}
		if err := x.flush(); err != nil {
			return Declined, headLost
		}
		x.setPhase(reading)
		c.SetReadTimeout(x.headTime(conf.HeaderTimeout.V))
		c.letFreeze()
		n, err = c.Read(free)
		c.endFreeze()
		if errors.Is(err, errFrozen) {
			return Declined, headFrozen
		}
	}
	if n > 0 {
		if c.debug {
			c.debugf("recv: fd:%d %d of %d", c.descriptor(), n, len(free))
			if len(x.in) == x.start {
				c.debugf("http process request line")
			}
		}
		if len(x.in) == x.start {
			x.firstByte = c.worker.reactor.Tick()
		}
		x.in = x.in[:len(x.in)+n]
		return Declined, headReady
	}
	c.lostHead(x, err)
	return Declined, headLost
}

// lostHead writes to the log why no request came, and what the access log is
// to say if it had begun.
func (c *Conn) lostHead(x *exchange, err error) {
	r := &x.req
	begun := len(x.in) > x.start
	if begun && r.loc == nil {
		r.server = c.site.server
		r.loc = r.server.whole
	}
	switch {
	case errors.Is(err, poll.ErrTimeout):
		r.timedOut = true
		r.errStatus = 408
		r.Logf(log.Info, "client timed out (110: Connection timed out)")
	case errors.Is(err, io.EOF) && begun:
		r.errStatus = 400
		r.Logf(log.Info, "client prematurely closed connection")
	case errors.Is(err, io.EOF) && c.idle:
		c.logf(log.Info, "client %s closed keepalive connection", c.peer)
	case errors.Is(err, io.EOF):
		c.logf(log.Info, "client closed connection%s", waitingRequest)
	case errors.Is(err, unix.ECONNRESET) && c.idle && !begun: // some browsers close by RST
	case errors.Is(err, errDraining):
	default:
		c.logf(log.Info, "recv() failed (%s)%s", log.ErrText(err), c.doing)
	}
	r.abort()
}
