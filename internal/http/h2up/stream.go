package h2up

import (
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/upstream"
	"github.com/baton-project/baton/internal/wire/h1"
	"github.com/baton-project/baton/internal/wire/h2"
)

// A Stream is one request on a connection. It is the part of a codec that knows the
// protocol.
type Stream struct {
	client *h2.Client // nil before there is a connection
	text   []byte     // of the fields that have come
	status int        // 0: no :status has come
	left   int64      // of the body; -1: not known
	head   bool       // the answer is one to HEAD
}

// largestKept is the memory for fields that a Stream keeps.
const largestKept = 64 << 10

// Reset makes s ready for a request. head says that its method is HEAD.
func (s *Stream) Reset(head bool) {
	text := s.text[:0]
	if cap(text) > largestKept {
		text = nil
	}
	*s = Stream{text: text, left: -1, head: head}
}

// Restart is for [gateway.Codec].
func (s *Stream) Restart() { s.client, s.status, s.left = nil, 0, -1 }

// Join is for [gateway.Duplex].
func (s *Stream) Join(c *upstream.Conn, head []byte) (before string, ok bool) {
	if s.client, ok = c.Protocol.(*h2.Client); !ok {
		s.client = new(h2.Client)
		c.Protocol = s.client
	}
	return s.client.Begin(head)
}

// Room is for [gateway.Duplex].
func (s *Stream) Room() int { return s.client.Room() }

// AppendFrame is for [gateway.Duplex].
func (s *Stream) AppendFrame(dst []byte, n int, last bool) []byte {
	return s.client.AppendData(dst, n, last)
}

// AppendControl is for [gateway.Duplex].
func (s *Stream) AppendControl(dst []byte) []byte { return s.client.AppendControl(dst) }

// PieceHead is not called of a Duplex.
func (*Stream) PieceHead(dst []byte, _ int) []byte { return dst }

// PieceTail is not called of a Duplex.
func (*Stream) PieceTail(dst []byte, _ int) []byte { return dst }

// MaxPiece is not called of a Duplex.
func (*Stream) MaxPiece() int { return 0 }

// AppendEnd is not called of a Duplex.
func (*Stream) AppendEnd(dst []byte) []byte { return dst }

// AtEnd is false: a body ends with its stream.
func (*Stream) AtEnd(*gateway.Exchange) bool { return false }

// ReadHead reads frames up to the head of the answer.
func (s *Stream) ReadHead(x *gateway.Exchange, buf []byte) (used int, r gateway.HeadResult) {
	if s.client == nil { // buf is from the file of a cache
		s.client = h2.Replay()
	}
	for used < len(buf) {
		n, e, _, err := s.client.Next(buf[used:], int(x.Pass.Settings.BufferSize.V))
		used += n
		switch {
		case err != nil:
			x.Request.Logf(log.Error, "%v", err)
			return used, gateway.HeadFailed
		case e == h2.ClientHead:
			r = s.takeHead(x)
			if r == gateway.HeadDone {
				x.Answer.KeepAlive = used == len(buf) && s.client.Reusable()
			}
			return used, r
		}
	}
	return used, gateway.HeadMore
}

// takeHead takes in the fields of a head.
func (s *Stream) takeHead(x *gateway.Exchange) gateway.HeadResult {
	s.status = 0
	if !s.fields(func(name, value string) bool { return s.takeField(x, name, value) }) {
		return gateway.HeadFailed
	}
	a := &x.Answer
	if a.Status = s.status; a.Status == 0 {
		x.Request.Logf(log.Error, "upstream sent no :status header")
		return gateway.HeadFailed
	}
	ended := s.client.Ended()
	if a.Status == 103 {
		if ended {
			x.Request.Logf(log.Error, "upstream prematurely closed stream")
			return gateway.HeadFailed
		}
		x.SetStatus(0)
		return gateway.HeadEarly
	}
	s.client.Open()
	a.Whole = true
	if s.head || a.Status == 204 || a.Status == 304 {
		s.left = 0
	} else {
		s.left = a.ContentLength
	}
	if ended {
		if s.left > 0 {
			x.Request.Logf(log.Error, "upstream prematurely closed stream")
			return gateway.HeadFailed
		}
		if a.ContentLength < 0 {
			a.ContentLength = 0
		}
	}
	return gateway.HeadDone
}

// fields calls f for each field, as long as it returns true.
func (s *Stream) fields(f func(name, value string) bool) bool {
	text, fields := s.client.Fields()
	from := len(s.text)
	s.text = append(s.text, text...)
	own := s.text[from:]
	for _, field := range fields {
		name, value := h1.Span{Start: field.Name, End: field.NameEnd}, h1.Span{Start: field.Value, End: field.ValueEnd}
		if !f(name.View(own), value.View(own)) {
			return false
		}
	}
	return true
}

// takeField takes in a field of the answer's head.
func (s *Stream) takeField(x *gateway.Exchange, name, value string) bool {
	r := x.Request
	switch {
	case name[0] == ':' && name != ":status":
		r.Logf(log.Error, `upstream sent invalid header "%s: %s"`, name, value)
		return false
	case name[0] == ':' && s.status != 0:
		r.Logf(log.Error, "upstream sent duplicate :status header")
		return false
	case name[0] == ':':
		return s.takeStatus(x, value)
	case s.status == 0:
		r.Logf(log.Error, "upstream sent no :status header")
		return false
	}
	id := h1.AnswerIDOf(name)
	if s.status == 103 {
		id = h1.AnswerOther
	}
	return x.AddLine(name, value, id)
}

func (s *Stream) takeStatus(x *gateway.Exchange, value string) bool {
	status := 0
	for _, c := range []byte(value) {
		if len(value) != 3 || c < '0' || c > '9' {
			status = 0
			break
		}
		status = status*10 + int(c-'0')
	}
	if status < 200 && status != 103 {
		what := "unexpected"
		if status == 0 {
			what = "invalid"
		}
		x.Request.Logf(log.Error, `upstream sent %s :status "%s"`, what, value)
		return false
	}
	s.status = status
	x.SetStatus(status)
	return true
}

// StartBody reports whether there is a body to be read.
func (s *Stream) StartBody(*gateway.Exchange) bool { return !s.client.Ended() }

// ReadBody takes the frames off the body. At its end what has come of other frames is
// read too.
func (s *Stream) ReadBody(x *gateway.Exchange, buf []byte) (n int, data []byte, r gateway.BodyResult) {
	n, e, data, err := s.client.Next(buf, int(x.Pass.Settings.BufferSize.V))
	switch {
	case err != nil:
		x.Request.Logf(log.Error, "%v", err)
		return n, nil, gateway.BodyFailed
	case e == h2.ClientHead && !s.takeTrailers(x):
		return n, nil, gateway.BodyFailed
	case s.left >= 0 && int64(len(data)) > s.left:
		x.Request.Logf(log.Error, "upstream sent response body larger than indicated content length")
		return n, nil, gateway.BodyFailed
	case s.left > 0:
		s.left -= int64(len(data))
	}
	if !s.client.Ended() || n < len(buf) {
		return n, data, gateway.BodyMore
	}
	if s.left > 0 {
		x.Request.Logf(log.Error, "upstream prematurely closed stream")
		return n, nil, gateway.BodyFailed
	}
	x.Answer.KeepAlive = s.client.Reusable()
	return n, data, gateway.BodyDone
}

// takeTrailers takes in what stands behind the body.
func (s *Stream) takeTrailers(x *gateway.Exchange) bool {
	ok := s.fields(func(name, value string) bool {
		if name[0] == ':' {
			x.Request.Logf(log.Error, `upstream sent invalid trailer "%s: %s"`, name, value)
			return false
		}
		x.Answer.Trailers.Add(name, value)
		return true
	})
	if ok && !s.client.Ended() {
		x.Request.Logf(log.Error, "upstream sent trailer without end stream flag")
		return false
	}
	return ok
}
