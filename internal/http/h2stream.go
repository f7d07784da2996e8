package http

import (
	"errors"
	"io"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h1"
	"github.com/baton-project/baton/internal/wire/h2"
)

// An h2Stream is one request on an HTTP/2 connection. It is pooled. Its Conn has no
// socket: what happens to the stream is reported to it.
type h2Stream struct {
	h    *h2Conn
	id   uint32
	conn Conn
	req  Request
	rc   Result // what the head came to

	// The head; text is what the spans are offsets into.
	text   []byte
	fields []h2.Field
	pseudo pseudo
	ended  bool // there was no body from the beginning
	packed int  // bytes of the header block
	broken bool // the head was malformed

	// Guarded by h.mu:
	input      []byte // of the body, from inputAt on
	inputAt    int
	arrived    int64 // bytes of the body so far
	bodyErr    *BodyError
	recvWindow int64
	recvMost   int64 // what recvWindow is opened to
	owed       int64 // what it is to be opened by
	sendWindow int64
	inClosed   bool // the client has ended its side
	cut        bool // ... in the middle of the body
	outClosed  bool // we have
	resetSent  bool // ... or nobody is to hear of the stream any more
	gone       bool // nobody listens
	canceled   bool // ... because the client has said so
	skip       bool // the body is not wanted
	waiting    bool // it is in h.waiting
	exhausted  bool // it will be when sendWindow is opened

	stalled int64 // tick since which nothing could be sent; 0: something could
}

var errStreamGone = errors.New("stream is closed")

func newH2Stream(values int) *h2Stream {
	s := &h2Stream{text: make([]byte, 0, 1<<10), fields: make([]h2.Field, 0, 16)}
	s.req.firstRoom = make([]byte, 0, scratchSize)
	s.req.vars.Values = make([]cachedValue, values)
	return s
}

// open begins the stream that s has decoded the head of.
func (h *h2Conn) open(s *h2Stream, id uint32, ended bool) {
	c := h.c
	c.requests++
	s.h, s.id, s.ended = h, id, ended
	s.pseudo, s.broken, s.stalled = pseudo{}, false, 0
	s.input, s.inputAt, s.arrived, s.bodyErr = s.input[:0], 0, 0, nil
	s.recvWindow, s.recvMost, s.owed = h.conf.Preread.V, h.conf.Preread.V, 0
	s.inClosed, s.outClosed, s.resetSent, s.gone, s.canceled, s.skip = ended, false, false, false, false, false
	s.waiting, s.exhausted, s.cut = false, false, false
	own := &s.conn
	own.worker, own.listener, own.site, own.peer, own.number = c.worker, c.listener, c.site, c.peer, c.number
	own.accepted, own.requests, own.said, own.secured = c.accepted, c.requests, c.said, c.secured
	own.debug, own.debugged, own.carrier = c.debug, c.debugged, c
	own.located, own.greeted, own.doing = true, true, readingHeaders
	c.worker.reactor.Join(&own.Conn, s)
	s.req.reset(own, s)
	s.rc = s.build()
	s.req.received = int64(s.packed)
	own.doing = ""
	if c.site.ssl && s.rc == Declined {
		s.rc = s.req.checkSecure()
	}

	conf := c.site.server.whole.conn
	h.mu.Lock()
	defer h.mu.Unlock()
	s.sendWindow = h.initWindow
	if h.streams == nil {
		h.streams = make(map[uint32]*h2Stream)
	}
	h.streams[id] = s
	if h.tree.Known() {
		h.tree.Open(id)
	}
	if s.rc == Declined {
		h.payload += int64(len(s.text))
	}
	age := time.Duration(c.worker.reactor.Tick()-c.accepted) * time.Millisecond
	if conf.KeepaliveTimeout.V == 0 || c.requests >= conf.KeepaliveRequests.V || age > conf.KeepaliveTime.V {
		h.sendGoAway(h2.NoError)
	}
	own.ServeNow()
}

// Expire is never called.
func (*h2Stream) Expire(*poll.Conn) {}

// Serve answers the request.
func (s *h2Stream) Serve(*poll.Conn) {
	defer s.guard()
	r, stats := &s.req, s.conn.worker.stats
	stats.Requests.Add(1)
	stats.Writing.Add(1)
	defer stats.Writing.Add(-1)
	r.run(s.rc)
	if r.loc.answers.PostAction.V != "" {
		r.runPostAction()
	}
	if r.background != nil {
		r.awaitBackground()
	}
	if r.Debugging() {
		r.debugEnd()
	}
	r.runLog()
	s.end()
}

// guard ends a stream whose code panicked.
func (s *h2Stream) guard() {
	reason := recover()
	if reason == nil {
		return
	}
	s.conn.logPanic(reason)
	s.end()
}

// end ends the stream, and gives s back.
func (s *h2Stream) end() {
	h, r := s.h, &s.req
	w := s.conn.worker
	r.end()
	h.mu.Lock()
	switch {
	case s.resetSent || h.broken:
	case !s.outClosed && r.timedOut:
		h.reset(s.id, h2.ProtocolError)
	case !s.outClosed:
		h.reset(s.id, h2.InternalError)
	case s.broken:
		h.reset(s.id, h2.ProtocolError) // the client is to see that it has made a mistake
	case !s.inClosed:
		h.reset(s.id, h2.NoError)
	}
	if !s.inClosed {
		h.early[h.earlyAt] = s.id
		h.earlyAt = (h.earlyAt + 1) % len(h.early)
	}
	s.leaveQueue()
	h.tree.Close(s.id)
	delete(h.streams, s.id)
	last := len(h.streams) == 0
	if last {
		h.idleSince = w.reactor.Tick()
		h.streams = nil
	}
	over := h.done()
	h.mu.Unlock()
	s.conn.Leave()
	s.h, s.conn.carrier, s.conn.secured, s.conn.said = nil, nil, nil, nil
	r.server, r.loc, r.sink = nil, nil, nil
	if cap(s.text) > inSize {
		s.text = make([]byte, 0, 1<<10)
	}
	if cap(s.input) > inSize {
		s.input = nil
	}
	w.h2Streams.Put(s)
	if over {
		h.close()
	}
}

// takeData takes bytes of the body, which cost padding more; it is the reader's.
// h.mu is held.
func (s *h2Stream) takeData(data []byte, padding int64, last bool) {
	s.arrived += int64(len(data))
	s.inClosed = last
	length := s.req.Head.ContentLength
	switch {
	case s.gone:
		return
	case length >= 0 && s.arrived > length:
		s.bodyErr = &BodyError{400, errors.New("client intended to send body data larger than declared")}
	case length >= 0 && last && s.arrived < length:
		s.bodyErr = &BodyError{400, errShortBody}
	}
	s.broken = s.broken || s.bodyErr != nil
	s.h.payload += int64(len(data))
	switch {
	case s.skip:
	default:
		s.input = append(s.input, data...)
		s.repay(padding)
	}
	if s.bodyErr != nil {
		s.conn.Report(poll.Input | poll.Ended) // it is not worth going on
		return
	}
	s.conn.Report(poll.Input)
}

// bodyFailure is how a request ends whose body was wrong; Declined when it was not.
func (s *h2Stream) bodyFailure() Result {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if s.bodyErr == nil || s.gone {
		return Declined
	}
	s.logBody()
	return s.bodyErr.Status
}

// logBody says what was wrong with the body. h.mu is held.
func (s *h2Stream) logBody() {
	r := &s.req
	if errors.Is(s.bodyErr.Err, errShortBody) {
		r.Logf(log.Info, "client prematurely closed stream: only %d out of %d bytes of request body received", s.arrived, r.Head.ContentLength)
		return
	}
	r.Logf(log.Info, "%v", s.bodyErr.Err)
}

var errShortBody = errors.New("client prematurely closed stream")

// repay opens the stream's window by n, when it is worth a frame. h.mu is held.
func (s *h2Stream) repay(n int64) {
	s.owed += n
	if s.owed > 0 && !s.inClosed && !s.gone && (s.owed >= s.recvMost/2 || s.recvWindow <= 0) {
		s.h.widen(s.id, s.owed)
		s.recvWindow += s.owed
		s.owed = 0
	}
}

// readBody waits for some of the body.
func (s *h2Stream) readBody(r *Request, p []byte) (int, error) {
	for {
		n, err, waits := s.readArrived(r, p)
		if !waits {
			return n, err
		}
		s.conn.SetReadTimeout(r.loc.bodies.Timeout.V)
		if err := s.conn.AwaitInput(); err != nil {
			if errors.Is(err, poll.ErrTimeout) {
				r.Logf(log.Info, "client timed out (110: Connection timed out)")
				r.timedOut = true
				err = &BodyError{408, err}
			}
			return 0, err
		}
	}
}

// readArrived is readBody that says that it would wait.
func (s *h2Stream) readArrived(r *Request, p []byte) (n int, err error, waits bool) {
	h := s.h
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case s.bodyErr != nil:
		s.skip = true
		r.body.done = true
		s.logBody()
		return 0, s.bodyErr, false
	case s.inputAt < len(s.input):
		n = copy(p, s.input[s.inputAt:])
		if s.inputAt += n; s.inputAt == len(s.input) {
			s.input, s.inputAt = s.input[:0], 0
			if cap(s.input) > h2InSize {
				s.input = nil
			}
		}
		s.repay(int64(n))
		r.body.done = s.inClosed && !s.cut && len(s.input) == 0
		r.countBody(n)
		return n, nil, false
	case s.inClosed && !s.cut:
		r.body.done = true
		return 0, io.EOF, false
	case s.gone:
		r.Logf(log.Info, "client prematurely closed stream")
		return 0, &BodyError{400, io.ErrUnexpectedEOF}, false
	}
	if s.recvMost < h2BodyWindow {
		s.owed += h2BodyWindow - s.recvMost
		s.recvMost = h2BodyWindow
	}
	if s.owed > 0 {
		h.widen(s.id, s.owed)
		s.recvWindow += s.owed
		s.owed = 0
	}
	s.conn.Consumed(poll.Input)
	return 0, nil, true
}

// skipBuffered drops what has arrived of the body, and what comes.
func (s *h2Stream) skipBuffered(*Request) bool {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.skip = true
	s.input, s.inputAt = s.input[:0], 0
	return s.bodyErr == nil
}

// bodyArrived reports whether no more of the body is to come.
func (s *h2Stream) bodyArrived() bool {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	return s.inClosed && !s.cut
}

// sendContinue does nothing: as in nginx clients of HTTP/2 are not asked.
func (*h2Stream) sendContinue() error { return nil }

// LocalAddr is the address that the client is connected to, or counts as.
func (c *Conn) LocalAddr() (poll.Sockaddr, error) {
	switch {
	case c.carrier != nil:
		return c.carrier.LocalAddr()
	case c.passed != nil:
		return c.passed.local.Sockaddr(), nil
	}
	return c.Conn.LocalAddr()
}

// FD is [poll.Conn.FD] of the socket.
func (c *Conn) FD(f func(descriptor int) error) error {
	if c.carrier != nil {
		return c.carrier.Conn.FD(f)
	}
	return c.Conn.FD(f)
}

// http2Variable is $http2.
func http2Variable(r *Request) (string, bool) {
	switch {
	case r.conn.carrier == nil:
		return "", true
	case r.conn.secured != nil:
		return "h2", true
	}
	return "h2c", true
}

var _ transport = (*h2Stream)(nil)

// sendEarly sends a head of status 103.
func (s *h2Stream) sendEarly(lines Headers) error {
	h := s.h
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.gone || h.broken {
		return errStreamGone
	}
	from := h.beginBlock()
	h.out = h2.AppendStatus(h.out, 103)
	for _, line := range lines {
		if line.Name != "" {
			h.out = h2.AppendField(h.out, line.Name, line.Value)
		}
	}
	h.finishBlock(from, s.id, 0)
	h.schedule()
	return nil
}

// isHTTP2 reports whether chunks and keep-alive have no meaning.
func (r *Request) isHTTP2() bool { return r.Head.Version >= h1.HTTP20 }
