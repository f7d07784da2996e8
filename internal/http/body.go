package http

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h1"
)

// requestBody is what is still to come of a request's body.
type requestBody struct {
	left      int64 // bytes, unless isChunked
	size      int64 // bytes read so far, without the chunks' frames
	chunked   h1.Chunked
	isChunked bool
	done      bool
}

// begin starts the body that the head announces.
func (b *requestBody) begin(h *h1.Head) {
	*b = requestBody{isChunked: h.Chunked, left: max(0, h.ContentLength)}
	b.done = !b.isChunked && b.left == 0
}

// A BodyError is a request body that could not be read. A handler returns its
// Status.
type BodyError struct {
	Status Result // 400, 408, 413
	Err    error
}

// Error tells what was wrong.
func (e *BodyError) Error() string { return fmt.Sprintf("request body: %v", e.Err) }

// Unwrap returns the cause.
func (e *BodyError) Unwrap() error { return e.Err }

var (
	errBadChunk = errors.New("client sent invalid chunked body")
	errTooLarge = errors.New("client intended to send too large chunked body")
)

// Discard lets the request's body go: what has arrived is dropped now, the rest
// when the answer is sent. A result other than Declined is to be returned by the
// handler.
func (r *Request) Discard() Result {
	if r.body.done || r.bodyDiscarded {
		return Declined
	}
	r.bodyDiscarded = true
	if err := r.testExpect(); err != nil {
		r.abort()
		return Done
	}
	if !r.wire.skipBuffered(r) {
		return 400
	}
	return Declined
}

// discardAvailable is Discard for answers that tell of an error anyway.
func (r *Request) discardAvailable() {
	if r.Discard() != Declined {
		r.keepAlive = false
	}
}

// ReadBody reads from the request's body; io.EOF ends it. Other errors are a
// [BodyError], or tell that the client is gone.
func (r *Request) ReadBody(p []byte) (int, error) {
	if r.body.done {
		return 0, io.EOF
	}
	if err := r.testExpect(); err != nil {
		r.abort()
		return 0, err
	}
	n, err := r.wire.readBody(r, p)
	r.body.size += int64(n)
	if err == nil && r.tooLarge(n) {
		return 0, &BodyError{413, errTooLarge}
	}
	return n, err
}

// TryReadBody is ReadBody that returns [poll.ErrAgain] instead of waiting.
func (r *Request) TryReadBody(p []byte) (int, error) {
	if r.body.done {
		return 0, io.EOF
	}
	if err := r.testExpect(); err != nil {
		r.abort()
		return 0, err
	}
	for {
		n, err := r.ReadArrivedBody(p)
		if n > 0 || err != nil {
			return n, err
		}
		x, ok := r.wire.(*exchange)
		switch {
		case r.body.done:
			return 0, io.EOF
		case !ok:
			return 0, poll.ErrAgain
		}
		if err := x.tryFillBody(r); err != nil {
			return 0, err
		}
	}
}

// BodyTimeout is the directive client_body_timeout.
func (r *Request) BodyTimeout() time.Duration { return r.loc.bodies.Timeout.V }

// LateBody is the error of a body of which nothing came in time, which is logged.
func (r *Request) LateBody() error {
	r.Logf(log.Info, "client timed out (110: Connection timed out)")
	r.timedOut, r.keepAlive = true, false
	return &BodyError{408, poll.ErrTimeout}
}

// tooLarge reports whether a body became larger than it may with the last n bytes
// of it, which are part of a chunk. It was logged then.
func (r *Request) tooLarge(n int) bool {
	limit := r.loc.bodies.MaxSize.V
	if limit <= 0 || r.body.size <= limit {
		return false
	}
	r.Logf(log.Error, "client intended to send too large chunked body: %d+%d bytes", r.body.size-int64(n), int64(n)+r.body.chunked.Left())
	return true
}

// testExpect sends "100 Continue" to a client that waits for it.
func (r *Request) testExpect() error {
	if r.expectTested || r.Head.Version < h1.HTTP11 {
		return nil
	}
	r.expectTested = true
	if !equalFold(r.Header(h1.HExpect), "100-continue") {
		return nil
	}
	return r.wire.sendContinue()
}

// skipBuffered drops what is in the buffer of r's body.
func (x *exchange) skipBuffered(r *Request) bool {
	for !r.body.done && x.at < len(x.in) {
		if _, err := x.takeBuffered(r, len(x.in)); err != nil {
			return false
		}
	}
	return true
}

// countBody takes note of bytes of the body. What nobody reads is not part of
// the request's length.
func (r *Request) countBody(n int) {
	if !r.bodyDiscarded {
		r.received += int64(n)
	}
}

// takeBuffered takes at most limit bytes of the body from the buffer, which is
// not empty. Of a chunked body it may consume bytes without returning any.
func (x *exchange) takeBuffered(r *Request, limit int) ([]byte, error) {
	b := &r.body
	have := x.in[x.at:]
	if len(have) > limit {
		have = have[:limit]
	}
	if !b.isChunked {
		have = have[:min(int64(len(have)), b.left)]
		x.at += len(have)
		b.left -= int64(len(have))
		b.done = b.left == 0
		r.countBody(len(have))
		return have, nil
	}
	n, data, rc := b.chunked.Decode(have)
	x.at += n
	r.countBody(n)
	switch rc {
	case h1.ChunkDone:
		b.done = true
	case h1.ChunkFailed:
		r.Logf(log.Error, "client sent invalid chunked body")
		r.keepAlive = false
		b.done = true
		return nil, &BodyError{400, errBadChunk}
	}
	return data, nil
}

// readBody reads at least one byte of the body, or its end.
func (x *exchange) readBody(r *Request, p []byte) (int, error) {
	return x.readBodyWithin(r, p, r.loc.bodies.Timeout.V)
}

func (x *exchange) readBodyWithin(r *Request, p []byte, timeout time.Duration) (int, error) {
	for !r.body.done {
		if x.at == len(x.in) {
			if n, err, direct := x.readDirect(r, p, timeout); direct {
				return n, err
			}
			if err := x.fillBody(r, timeout); err != nil {
				return 0, err
			}
		}
		data, err := x.takeBuffered(r, len(p))
		if err != nil {
			return 0, err
		}
		if len(data) > 0 {
			return copy(p, data), nil
		}
	}
	return 0, io.EOF
}

// readDirect reads a body of known length past the buffer.
func (x *exchange) readDirect(r *Request, p []byte, timeout time.Duration) (n int, err error, direct bool) {
	b := &r.body
	if b.isChunked {
		return 0, nil, false
	}
	n, err = x.read(r, p[:min(int64(len(p)), b.left)], timeout)
	b.left -= int64(n)
	b.done = b.left == 0
	r.countBody(n)
	return n, err, true
}

// fillBody reads into the buffer, of which all is consumed. The head in it is
// kept, as strings of the request are views of it.
func (x *exchange) fillBody(r *Request, timeout time.Duration) error {
	x.emptyIn(r)
	n, err := x.read(r, x.in[len(x.in):cap(x.in)], timeout)
	x.in = x.in[:len(x.in)+n]
	return err
}

// tryFillBody is fillBody that does not wait.
func (x *exchange) tryFillBody(r *Request) error {
	if err := x.flush(); err != nil {
		return err
	}
	x.emptyIn(r)
	n, err := x.conn.TryRead(x.in[len(x.in):cap(x.in)])
	x.in = x.in[:len(x.in)+n]
	if n > 0 || errors.Is(err, poll.ErrAgain) {
		return err
	}
	return x.lostBody(r, err)
}

// emptyIn makes room behind the head in the buffer.
func (x *exchange) emptyIn(r *Request) {
	x.in = x.in[:x.start+len(r.head[:r.Head.Pos()])]
	if cap(x.in)-len(x.in) < 1024 {
		x.in, x.start = make([]byte, 0, inSize), 0
	}
	x.at = len(x.in)
}

// read waits for bytes of the body.
func (x *exchange) read(r *Request, p []byte, timeout time.Duration) (int, error) {
	if err := x.flush(); err != nil {
		return 0, err
	}
	x.conn.SetReadTimeout(timeout)
	n, err := x.conn.Read(p)
	if err == nil {
		return n, nil
	}
	return n, x.lostBody(r, err)
}

// lostBody is what a body came to that could not be read.
func (x *exchange) lostBody(r *Request, err error) error {
	switch {
	case errors.Is(err, poll.ErrTimeout):
		r.timedOut = true
		err = &BodyError{408, err}
	case errors.Is(err, io.EOF):
		r.Logf(log.Info, "client prematurely closed connection")
		err = &BodyError{400, io.ErrUnexpectedEOF}
	}
	r.keepAlive = false
	return err
}

// drainBody reads and drops what is left of a body behind its answer, so that
// the next request can be found. It reports whether that worked out in time.
func (x *exchange) drainBody() bool {
	r := &x.req
	conf := r.loc.conn
	end := x.conn.worker.reactor.Tick() + int64(conf.LingeringTime.V/time.Millisecond)
	for !r.body.done {
		left := time.Duration(end-x.conn.worker.reactor.Tick()) * time.Millisecond
		if left <= 0 {
			return false
		}
		_, err := x.readBodyWithin(r, x.out[:cap(x.out)], min(left, conf.LingeringTimeout.V))
		if err != nil && !errors.Is(err, io.EOF) {
			return false
		}
	}
	return true
}
