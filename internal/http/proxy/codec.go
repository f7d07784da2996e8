package proxy

import (
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/upstream"
	"github.com/baton-project/baton/internal/wire/h1"
)

// codec is HTTP/1 with an upstream, for one request.
type codec struct {
	plan    *plan
	url     address
	size    int64 // of the request's body; see gateway.NoBody
	isHead  bool  // the request sent is HEAD
	chunked bool  // ... and its body is chunked

	answer   h1.Answer
	chunks   h1.Chunked
	mode     bodyMode
	left     int64  // of a body of known size
	trailers []byte // what has come of them
	behind   bool   // the last chunk is behind us, trailers are not
}

// bodyMode is how an answer's body ends.
type bodyMode uint8

const (
	noBody bodyMode = iota
	bodyOfSize
	bodyChunked
	bodyUntilClose
)

// Begin finds out where the request goes to.
func (c *codec) Begin(x *gateway.Exchange) http.Result {
	p := x.Pass.Module.(*plan)
	*c = c.fresh(p)
	if p.target != nil {
		x.SetTarget(p.target)
	} else if rc := c.evaluate(x); rc != http.Declined {
		return rc
	}
	x.Schema, x.SSL = c.url.schema, c.url.ssl
	return http.Declined
}

// fresh is a codec for a request of p, with the memory of c.
func (c *codec) fresh(p *plan) codec {
	next := codec{plan: p, url: p.passConf.url, answer: c.answer, trailers: c.trailers[:0]}
	if cap(next.trailers) > largestKept {
		next.trailers = nil
	}
	next.answer.Reset()
	return next
}

// largestKept is the memory for trailers that a codec keeps.
const largestKept = 64 << 10

// evaluate takes a URL with variables apart.
func (c *codec) evaluate(x *gateway.Exchange) http.Result {
	r := x.Request
	text := c.plan.url2.Eval(r)
	schema, port, ok := cutSchema(text)
	if !ok {
		r.Logf(log.Error, `invalid URL prefix in "%s"`, text)
		return 500
	}
	rest, uri := upstream.CutURI(text[len(schema):])
	u, err := upstream.ParseURL(rest, port)
	if err != nil {
		r.Logf(log.Error, `%v in upstream "%s"`, err, text[len(schema):])
		return 500
	}
	if strings.HasPrefix(uri, "?") {
		uri = "/" + uri
	}
	c.url = addressOf(schema, &u, port, uri)
	return x.SetURL(&u)
}

// Restart forgets the answer.
func (c *codec) Restart() {
	c.answer.Reset()
	c.chunks, c.mode, c.left = h1.Chunked{}, noBody, 0
	c.trailers, c.behind = c.trailers[:0], false
}

// TakesBody says whether the request's body is passed on.
func (c *codec) TakesBody(x *gateway.Exchange) (send, stream bool) {
	if c.plan.body != nil || !x.Pass.Settings.PassRequestBody.V {
		return false, false
	}
	return true, !x.Request.Head.Chunked || c.plan.conf.Version.V == h1.HTTP11
}

// PieceHead appends the size of a chunk.
func (c *codec) PieceHead(dst []byte, n int) []byte {
	if !c.chunked {
		return dst
	}
	return h1.AppendChunkSize(dst, int64(n))
}

// PieceTail appends the end of a chunk.
func (c *codec) PieceTail(dst []byte, _ int) []byte {
	if !c.chunked {
		return dst
	}
	return append(dst, h1.ChunkEnd...)
}

// MaxPiece is none.
func (c *codec) MaxPiece() int { return 0 }

// AppendEnd appends the last chunk.
func (c *codec) AppendEnd(dst []byte) []byte {
	if !c.chunked {
		return dst
	}
	return append(dst, h1.LastChunk...)
}

// ReadHead parses the head of the answer.
func (c *codec) ReadHead(x *gateway.Exchange, buf []byte) (n int, r gateway.HeadResult) {
	a := &x.Answer
	switch c.answer.Parse(buf) {
	case h1.AnswerMore:
		return 0, gateway.HeadMore
	case h1.AnswerNotHTTP:
		x.Request.Logf(log.Error, "upstream sent no valid HTTP/1.0 header")
		x.SetStatus(200)
		a.Status, a.ConnectionClose = 0, true
		x.Request.Head.Version = h1.HTTP09
		return 0, gateway.HeadDone
	case h1.AnswerFailed:
		x.SetStatus(c.answer.Status)
		x.Request.Logf(log.Error, `upstream sent invalid header: "%s"`, c.answer.BadText(buf))
		return 0, gateway.HeadFailed
	}
	x.SetStatus(c.answer.Status)
	a.Status, a.StatusLine = c.answer.Status, c.answer.StatusLine.View(buf)
	if c.answer.Version < h1.HTTP11 {
		if a.Status == 103 {
			x.Request.Logf(log.Error, "upstream sent HTTP/1.0 response with early hints")
			return 0, gateway.HeadFailed
		}
		a.ConnectionClose = true
	}
	n = c.answer.Pos()
	for i := range c.answer.Headers {
		h := &c.answer.Headers[i]
		id := h.ID
		if a.Status == 103 {
			id = h1.AnswerOther
		}
		if !x.AddLine(h.Name.View(buf), h.Value.View(buf), id) {
			return n, gateway.HeadFailed
		}
	}
	if a.Status == 103 {
		c.answer.Reset()
		x.SetStatus(0)
		return n, gateway.HeadEarly
	}
	c.finishHead(x)
	return n, gateway.HeadDone
}

// finishHead finds out how the body ends.
func (c *codec) finishHead(x *gateway.Exchange) {
	a := &x.Answer
	a.Whole = true
	if a.Chunked {
		a.ContentLength = -1
	}
	switch {
	case a.Status == 204, a.Status == 304, c.isHead:
		c.mode = noBody
	case a.Chunked:
		c.mode = bodyChunked
		c.keepTrailers(x)
	case a.ContentLength == 0:
		c.mode = noBody
	case a.ContentLength > 0:
		c.mode, c.left = bodyOfSize, a.ContentLength
	default:
		c.mode = bodyUntilClose
	}
	if a.Status == 101 {
		a.Upgrade = x.Request.Head.Has(h1.HUpgrade)
		return
	}
	a.KeepAlive = c.mode == noBody && !a.ConnectionClose
}

// StartBody reports whether there is a body to be read.
func (c *codec) StartBody(x *gateway.Exchange) bool {
	if x.Answer.Status == 0 { // HTTP/0.9
		c.mode = bodyUntilClose
	}
	return c.mode != noBody
}

const tooMuch = `upstream sent more data than specified in "Content-Length" header`

// ReadBody takes the frames off the body.
func (c *codec) ReadBody(x *gateway.Exchange, buf []byte) (n int, data []byte, r gateway.BodyResult) {
	switch c.mode {
	case noBody:
		x.Request.Logf(log.Warn, tooMuch)
		return 0, nil, gateway.BodyDone
	case bodyUntilClose:
		return len(buf), buf, gateway.BodyMore
	case bodyOfSize:
		return c.readSized(x, buf)
	}
	if c.behind {
		return c.readTrailers(x, buf, "upstream sent data after trailers")
	}
	n, data, result := c.chunks.Decode(buf)
	switch result {
	case h1.ChunkDone:
		if x.Pass.Settings.PassTrailers.V {
			c.behind = true
			c.answer.ResetLines(0)
			more, data, r := c.readTrailers(x, buf[n:], "upstream sent data after final chunk")
			return n + more, data, r
		}
		if n < len(buf) {
			x.Request.Logf(log.Warn, "upstream sent data after final chunk")
		}
		x.Answer.KeepAlive = !x.Answer.ConnectionClose
		return n, nil, gateway.BodyDone
	case h1.ChunkFailed:
		x.Request.Logf(log.Error, "upstream sent invalid chunked response")
		return n, nil, gateway.BodyFailed
	}
	return n, data, gateway.BodyMore
}

func (c *codec) readSized(x *gateway.Exchange, buf []byte) (int, []byte, gateway.BodyResult) {
	n := int(min(int64(len(buf)), c.left))
	c.left -= int64(n)
	if c.left > 0 {
		return n, buf, gateway.BodyMore
	}
	x.Answer.KeepAlive = !x.Answer.ConnectionClose
	if n < len(buf) {
		x.Request.Logf(log.Warn, tooMuch)
	}
	return n, buf[:n], gateway.BodyDone
}

// AtEnd reports whether the body ends with the connection.
func (c *codec) AtEnd(*gateway.Exchange) bool { return c.mode == bodyUntilClose }
