package http

import (
	"errors"
	"strings"
	"time"

	"github.com/baton-project/baton/fd"
)

// answerState is an answer in the middle of a file. The request is in it as the
// client sent it, and how far the answer is.
type answerState struct {
	Head  []byte `cbor:"1,keyasint"` // of the request
	URI   string `cbor:"2,keyasint"` // after rewrites and redirects
	Args  string `cbor:"3,keyasint,omitempty"`
	Begun int64  `cbor:"4,keyasint"` // the request, in ns since 1970

	Status       int    `cbor:"5,keyasint"`
	Length       int64  `cbor:"6,keyasint"` // of the whole body
	HeadSize     int64  `cbor:"7,keyasint"`
	Sent         int64  `cbor:"8,keyasint"` // of head and body
	KeepAlive    bool   `cbor:"9,keyasint,omitempty"`
	ContentType  string `cbor:"10,keyasint,omitempty"`
	LastModified int64  `cbor:"11,keyasint"`

	Offset    int64 `cbor:"12,keyasint"` // in the file
	Remaining int64 `cbor:"13,keyasint"`

	Tunnel *tunnelState `cbor:"14,keyasint,omitempty"` // instead of a body
	Stream *streamState `cbor:"15,keyasint,omitempty"` // a body that comes from an upstream
}

// valid says whether an answer of ours could be so far.
func (s *answerState) valid() bool {
	return len(s.Head) > 0 && s.Status >= 100 && s.Status < 1000 && s.Offset >= 0 && s.Remaining > 0 &&
		s.HeadSize >= 0 && s.Sent >= s.HeadSize && s.Length-(s.Sent-s.HeadSize) == s.Remaining &&
		s.Offset+s.Remaining > s.Offset && strings.HasPrefix(s.URI, "/")
}

// errMoving ends the handler of a request whose answer goes on elsewhere.
var errMoving = errors.New("answer moves to another worker")

// sendsRest reports whether the next n bytes of a file are the rest of an answer
// that somebody else could go on with: nothing else happens to the body.
func (x *exchange) sendsRest(n int64) bool {
	r := &x.req
	return !r.chunked && r.Out.ContentLength >= 0 && r.Out.ContentLength-(r.sent-r.headSize) == n && x.leavesBody()
}

// sendFile is [poll.Conn.Sendfile] that a handover may end with errMoving, while
// it waits for the client.
func (x *exchange) sendFile(f *fd.Owned, off, n int64) (sent int64, err error) {
	c := x.conn
	if !x.sendsRest(n) {
		return c.Sendfile(f, off, n)
	}
	c.letFreeze()
	sent, err = c.Sendfile(f, off, n)
	c.endFreeze()
	if !errors.Is(err, errFrozen) {
		return sent, err
	}
	if x.freezeAnswer(f, off, n, sent) == nil {
		return sent, errMoving
	}
	more, err := c.Sendfile(f, off+sent, n-sent)
	return sent + more, err
}

// freezeAnswer keeps what is left of the answer at the connection.
func (x *exchange) freezeAnswer(f *fd.Owned, off, n, sent int64) error {
	file, err := f.Dup()
	if err != nil {
		return err
	}
	s := x.answerState()
	s.Sent, s.Offset, s.Remaining = s.Sent+sent, off+sent, n-sent
	ahead := x.in[x.at:]
	if !s.valid() || len(s.Head)+len(s.URI)+len(s.Args)+len(ahead) > maxAhead {
		file.Close()
		return errAhead
	}
	x.conn.kept = &kept{ahead: append([]byte(nil), ahead...), answer: s, file: file}
	return nil
}

// departBusy hands over a connection whose answer was frozen.
func (c *Conn) departBusy(x *exchange) {
	x.leaveStats()
	c.worker.put(x)
	c.depart()
}

// resume goes on with an answer. It reports whether another request is to be
// looked for.
func (c *Conn) resume(x *exchange, k *kept) (again bool) {
	s, r := k.answer, &x.req
	x.in = append(append(x.in[:0], s.Head...), k.ahead...)
	_, got := c.readHead(x)
	if s.Tunnel == nil && s.Stream == nil || got != headReady {
		r.OnEnd(k.closeFiles)
	}
	if got != headReady || r.server == nil {
		c.finish(x, false)
		return false
	}
	c.doing = ""
	c.idle = false
	x.setPhase(writing)
	x.at = x.start + len(s.Head)
	r.URI, r.Args, r.Exten = s.URI, s.Args, ""
	if dot := strings.LastIndexByte(s.URI, '.'); dot > strings.LastIndexByte(s.URI, '/') {
		r.Exten = s.URI[dot+1:]
	}
	r.loc, _ = r.server.whole.find(r)
	r.started = time.Unix(0, s.Begun)
	r.body.done, r.linger = true, false
	r.keepAlive, r.headerSent = s.KeepAlive, true
	r.headSize, r.sent = s.HeadSize, s.Sent
	r.Out.Status, r.Out.ContentLength = s.Status, s.Length
	r.Out.ContentType, r.Out.LastModified = s.ContentType, s.LastModified
	for _, f := range r.loc.pipeline.resumed {
		f(r)
	}
	if s.Tunnel != nil {
		c.resumeTunnel(x, k)
		return false
	}
	if s.Stream != nil {
		return c.resumeStream(x, k)
	}
	if x.goOn(k.file, s.Offset, s.Remaining) == nil && !r.broken {
		_ = r.Finish() // the end of the request looks at r.broken
	}
	return c.endRequest(x)
}

// goOn sends the rest of a file.
func (x *exchange) goOn(f *fd.Owned, off, n int64) error {
	r := &x.req
	if r.loc.paths.Sendfile.V {
		err := x.sendfile(f, off, n)
		if err == nil {
			r.sent += n
		}
		return err
	}
	return r.SendFile(f, off, n)
}

// flushOf is flush in the middle of copying n bytes of f from off, of which
// copied are in the buffer or sent. A handover may end it with errMoving.
func (x *exchange) flushOf(f *fd.Owned, off, n, copied int64) error {
	if !x.sendsRest(n) {
		return x.flush()
	}
	c := x.conn
	x.prepareWrite()
	c.letFreeze()
	written, err := c.Write(x.out)
	c.endFreeze()
	unsent := int64(len(x.out) - written)
	if errors.Is(err, errFrozen) {
		if unsent <= copied && x.freezeAnswer(f, off, n, copied-unsent) == nil {
			x.out = x.out[:0]
			x.req.abort()
			return errMoving
		}
		_, err = c.Write(x.out[written:])
	}
	x.out = x.out[:0]
	if err != nil {
		return x.lostWrite("send", err)
	}
	return nil
}
