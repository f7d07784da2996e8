package http

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Passed is what a handler remembers of a request that it passes on to an
// upstream, for variables and for logs.
type Passed interface {
	// AppendLog appends `, upstream: "http://127.0.0.1:8080/"` to a line of the
	// error log; nothing while there is no upstream.
	AppendLog(line []byte) []byte
}

// Pass makes p what Request.Passed returns until the request ends.
func (r *Request) Pass(p Passed) { r.passed = p }

// Passed is what the last Pass was given; nil before.
func (r *Request) Passed() Passed { return r.passed }

// Doing says what lines of the error log add behind their text from now on, such
// as " while connecting to upstream"; "" for nothing.
func (r *Request) Doing(text string) {
	if r.inBackground() {
		r.sub.doing = text
		return
	}
	r.conn.doing = text
}

// WatchClient lets what happens to the client's connection wake a wait of this
// goroutine on another one. It reports true when the client is gone already. The
// caller must call UnwatchClient before w.Other is used for something else.
//
// The client of a request that goes on without it, in the background or as
// post_action, is not watched.
func (r *Request) WatchClient(w *poll.Watch) bool {
	return !r.inBackground() && !r.postAction && r.conn.Watch(w)
}

// UnwatchClient ends WatchClient.
func (r *Request) UnwatchClient() {
	if !r.inBackground() {
		r.conn.Watch(nil)
	}
}

// LostClient notes that the client has gone away while its answer was waited
// for, and is what the handler then returns.
func (r *Request) LostClient(withUpstream bool) Result {
	if s, ok := r.wire.(*h2Stream); ok {
		if rc := s.bodyFailure(); rc != Declined {
			return rc
		}
	}
	text := "epoll_wait() reported that client prematurely closed connection"
	if withUpstream {
		text += ", so upstream connection is closed too"
	}
	r.Logf(log.Info, "%s", text)
	return StatusClientClosed
}

// Reactor is where connections live that are made for the request.
func (r *Request) Reactor() *poll.Reactor { return r.conn.worker.reactor }

// Tick is the reactor's clock in milliseconds.
func (r *Request) Tick() int64 { return r.conn.worker.reactor.Tick() }

// Draining reports whether the worker is on its way out: nothing is worth being
// kept for later.
func (r *Request) Draining() bool { return r.conn.worker.draining.Load() }

// HasBody reports whether the request has announced a body, be it empty.
func (r *Request) HasBody() bool { return r.Head.Chunked || r.Head.ContentLength >= 0 }

// ReadingBody reports whether some of the body has not been read yet.
func (r *Request) ReadingBody() bool { return !r.body.done && !r.bodyDiscarded }

// BodyArrived reports whether all that is left of the body is in memory already.
func (r *Request) BodyArrived() bool {
	if s, ok := r.wire.(*h2Stream); ok {
		return s.bodyArrived()
	}
	x, ok := r.wire.(*exchange)
	if !ok {
		return false
	}
	have := x.in[x.at:]
	if !r.body.isChunked {
		return int64(len(have)) >= r.body.left
	}
	ahead := r.body.chunked // a copy
	for len(have) > 0 {
		n, _, result := ahead.Decode(have)
		if result == h1.ChunkDone || result == h1.ChunkFailed {
			return true
		}
		have = have[n:]
	}
	return false
}

// HasErrorPage reports whether error_page names a page for status here.
func (r *Request) HasErrorPage(status int) bool {
	for i := range r.loc.errorPages {
		if r.loc.errorPages[i].status == status {
			return true
		}
	}
	return false
}

// SetLimitRateTo sets $limit_rate in bytes per second, 0 for no limit.
func (r *Request) SetLimitRateTo(rate int64) {
	r.limitRate = conf.Setting[int64]{}
	_ = r.limitRate.Set(rate) // it was cleared just before
}

// AskedURI reports whether URI and Args are still what the client has asked for
// in Target.
func (r *Request) AskedURI() bool {
	target := r.Target()
	return !r.madeURI && target != "" && target[0] != '?'
}

// BreakOff ends an answer that is not complete after what has been written of it:
// the client sees the end of the connection. The handler returns what it returns.
func (r *Request) BreakOff() Result {
	r.keepAlive = false
	if r.Flush() == nil {
		r.finished = true // without the sinks' knowledge, which would end it well
	}
	return Done
}

// DropUnsent forgets what was written of the body and has not left yet, where the
// protocol lets it: nginx does not send a buffer that was not filled in time.
func (r *Request) DropUnsent() {
	x, ok := r.wire.(*exchange)
	if !ok {
		return
	}
	keep, body := 0, r.sent-r.headSize
	if held := int64(len(x.out)); held >= r.sent { // the head has not left either
		keep = int(held - body)
	}
	r.sent -= int64(len(x.out) - keep)
	x.out = x.out[:keep]
}

// InLocation reports whether URI starts with the location's name: a rewrite may
// have changed it since the location was chosen.
func (r *Request) InLocation() bool { return !r.foreignURI }

// ReadArrivedBody is ReadBody that does not wait: it returns no bytes and no error
// when none are in memory.
func (r *Request) ReadArrivedBody(p []byte) (int, error) {
	if s, ok := r.wire.(*h2Stream); ok {
		if r.body.done || len(p) == 0 {
			return 0, nil
		}
		n, err, _ := s.readArrived(r, p)
		r.body.size += int64(n)
		return n, err
	}
	x, ok := r.wire.(*exchange)
	for ok && !r.body.done && x.at < len(x.in) && len(p) > 0 {
		data, err := x.takeBuffered(r, len(p))
		r.body.size += int64(len(data))
		if err == nil && r.tooLarge(len(data)) {
			return 0, &BodyError{413, errTooLarge}
		}
		if err != nil || len(data) > 0 {
			return copy(p, data), err
		}
	}
	return 0, nil
}

// InterruptBy lets ReadBody return cause when c has something to read or is at its
// end; a nil cause ends that. It reports true when that is so already.
func (r *Request) InterruptBy(c *poll.Conn, w *poll.Watch, cause error) bool {
	if cause == nil {
		c.Watch(nil)
		r.conn.Wake(nil)
		return false
	}
	*w = poll.Watch{Other: &r.conn.Conn, Readable: cause, Ended: cause}
	return c.Watch(w)
}
