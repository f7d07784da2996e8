package gateway

import (
	"errors"
	"io"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
)

// room is a large buffer, which is the exchange's until putRoom.
func (x *Exchange) room() []byte {
	if x.big == nil {
		x.big = x.Pass.rooms.Get().(*[bodyRoom]byte)
	}
	return x.big[:]
}

func (x *Exchange) putRoom() {
	if x.big != nil {
		x.Pass.rooms.Put(x.big)
		x.big = nil
	}
}

// passBody lets the body of the answer through to the client.
func (x *Exchange) passBody() http.Result {
	if x.buffering {
		x.Request.Doing(readingBody)
	}
	x.limit()
	unread := x.head[x.start:]
	x.state().Length += int64(len(unread))
	return x.pump(unread)
}

// limit lets limit_rate and reading ahead begin, be it in the middle of the body.
func (x *Exchange) limit() {
	x.rate, x.rateFrom = x.limitRate(), x.Request.Time().Unix()
	if x.rate > 0 {
		x.rateFrom -= x.state().Length / x.rate
	}
	if x.buffering {
		x.Request.SetStall(x)
	}
}

// pump passes on what is unread of the body, and what follows.
func (x *Exchange) pump(unread []byte) http.Result {
	for {
		rest, result, err := x.decode(unread)
		if err != nil {
			return http.Done
		}
		switch result {
		case BodyDone:
			return x.finishBody(rest)
		case BodyFailed:
			x.Answer.KeepAlive = false
			return 502 // with nothing more of it, not even what waits for more
		case BodyShort:
			return x.breakOff()
		}
		x.Request.Doing(readingBody)
		n, err := x.readMore()
		if err != nil {
			return x.lostBody(err)
		}
		unread = x.big[:n]
	}
}

// decode gives the client what buf has of the body. The error is one of writing to
// the client, and known to the core.
func (x *Exchange) decode(buf []byte) (rest []byte, result BodyResult, err error) {
	for len(buf) > 0 {
		n, data, result := x.codec.ReadBody(x, buf)
		if len(data) > 0 {
			if err := x.Request.Write(data); err != nil {
				return nil, result, err
			}
			x.unflushed += len(data)
		}
		buf = buf[n:]
		if result != BodyMore {
			return buf, result, nil
		}
	}
	return nil, BodyMore, nil
}

// readMore reads more of the answer into the large buffer. Before it waits the
// client gets what is there for it.
func (x *Exchange) readMore() (int, error) {
	if x.leaves() {
		if err := x.freeze(); !errors.Is(err, errStays) {
			return 0, err
		}
	}
	room := x.room()
	if x.ahead.waiting() {
		return x.takeAhead(room)
	}
	if x.ahead.err != nil {
		return 0, x.ahead.err
	}
	if x.rate > 0 {
		n, err := x.allowed()
		if err != nil {
			return 0, http.ErrAnswered
		}
		room = room[:min(int64(len(room)), n)]
	}
	n, err := x.tryUp(room)
	if err == poll.ErrAgain {
		if !x.buffering && x.unflushed > 0 || x.unflushed >= int(x.Pass.Settings.Buffers.V.Size) {
			x.unflushed = 0
			if err := x.Request.Flush(); err != nil {
				return 0, http.ErrAnswered
			}
			switch { // meanwhile Stalled may have read on
			case x.ahead.waiting():
				return x.takeAhead(room)
			case x.ahead.err != nil:
				return 0, x.ahead.err
			}
		}
		n, err = x.await(room)
	}
	if s := x.state(); n > 0 {
		s.BytesReceived += int64(n)
		s.Length += int64(n)
	}
	return n, err
}

// finishBody ends the body; rest is what the upstream has sent behind it.
func (x *Exchange) finishBody(rest []byte) http.Result {
	if len(rest) > 0 || x.ahead.waiting() {
		x.Answer.KeepAlive = false
	}
	x.finalize()
	x.addTrailers()
	return http.Done
}

// addTrailers lets the client have the trailers of the answer.
func (x *Exchange) addTrailers() {
	if !x.Pass.Settings.PassTrailers.V {
		return
	}
	x.Request.Out.Trailers.Del("")
	for _, t := range x.Answer.Trailers {
		if !x.Pass.Settings.hidden.has(t.Name) {
			x.Request.Out.Trailers.Add(t.Name, t.Value)
		}
	}
}

// lostBody ends a body whose upstream cannot be read any more.
func (x *Exchange) lostBody(err error) http.Result {
	switch {
	case errors.Is(err, http.ErrAnswered):
		return http.Done
	case errors.Is(err, io.EOF):
		if x.codec.AtEnd(x) {
			return x.finishBody(nil)
		}
		x.Request.Logf(log.Error, "upstream prematurely closed connection")
	case errors.Is(err, poll.ErrTimeout):
		x.Request.Logf(log.Error, "upstream timed out (110: Connection timed out)")
		if x.buffering {
			x.Request.DropUnsent()
		}
	default:
		if failed, rc := x.lost(err, "recv"); failed == 0 {
			return rc
		}
	}
	return x.breakOff()
}

// breakOff ends an answer that is incomplete: the client gets what is there, and
// sees that it is not all. For the log the request is complete, as in nginx.
func (x *Exchange) breakOff() http.Result {
	x.Answer.KeepAlive = false
	x.Request.Doing(sendingReply)
	if x.Request.IsSubrequest() {
		_ = x.Request.Flush()
		return 502
	}
	return x.Request.BreakOff()
}

// limitRate is how many bytes per second are read of the body; 0: no limit.
func (x *Exchange) limitRate() int64 {
	if x.Pass.limitRate == nil || !x.buffering {
		return 0
	}
	text := x.Pass.limitRate.Eval(x.Request)
	if text == "" {
		return 0
	}
	n, err := conf.ParseSize(text)
	if err != nil {
		x.Request.Logf(log.Error, `invalid size "%s"`, text)
		return 0
	}
	return n
}

// allowed is how much may be read now, which is more than nothing: it waits until
// it is.
func (x *Exchange) allowed() (int64, error) {
	for {
		passed := x.Request.Time().Unix() - x.rateFrom + 1
		n := x.rate*passed - x.state().Length
		if n > 0 {
			return n, nil
		}
		if err := x.Request.Pause(time.Duration(-n*1000/x.rate+1) * time.Millisecond); err != nil {
			return 0, err
		}
	}
}
