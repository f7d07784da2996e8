package fastcgi

import (
	"bytes"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/fastcgi"
	"github.com/baton-project/baton/internal/wire/h1"
)

// codec is FastCGI with an application, for one request.
type codec struct {
	plan     *plan
	response fastcgi.Response
	head     []byte // of the answer, without frames
	parsed   h1.Answer
	rest     int64 // of the body, -1: not known
	headOnly bool  // HEAD: rest is not known before the first byte of a body
}

// largestKept is the memory for a head that a codec keeps.
const largestKept = 64 << 10

// Begin finds out where the request goes to.
func (c *codec) Begin(x *gateway.Exchange) http.Result {
	c.plan = x.Pass.Module.(*plan)
	if cap(c.head) > largestKept {
		c.head = nil
	}
	c.Restart()
	x.Schema = "fastcgi://"
	return c.plan.aim.Take(x, nil)
}

// Restart forgets the answer.
func (c *codec) Restart() {
	c.response = fastcgi.Response{}
	c.head = c.head[:0]
	c.parsed.ResetLines(0)
	c.rest, c.headOnly = -1, false
}

// TakesBody says that any body is sent.
func (c *codec) TakesBody(*gateway.Exchange) (send, stream bool) { return true, true }

// AppendHead appends the parameters.
func (c *codec) AppendHead(dst []byte, x *gateway.Exchange, _ int64) ([]byte, http.Result) {
	dst, mark := fastcgi.OpenParams(fastcgi.AppendBegin(dst, c.plan.keep))
	dst = c.plan.params.For(x).Append(dst, x.Request, fastcgi.Params{}, x.Pass.Settings.PassRequestHeaders.V)
	dst, err := fastcgi.CloseParams(dst, mark)
	return cgi.Appended(x, dst, err)
}

// PieceHead appends the header of a record.
func (c *codec) PieceHead(dst []byte, n int) []byte { return fastcgi.AppendStdin(dst, n) }

// PieceTail appends its padding.
func (c *codec) PieceTail(dst []byte, n int) []byte { return append(dst, fastcgi.Padding(n)...) }

// MaxPiece is what nginx puts into a record.
func (c *codec) MaxPiece() int { return fastcgi.PieceSize }

// AppendEnd appends the record that ends the body.
func (c *codec) AppendEnd(dst []byte) []byte { return fastcgi.AppendStdin(dst, 0) }

// ReadHead gathers what the records have of the head.
func (c *codec) ReadHead(x *gateway.Exchange, buf []byte) (used int, r gateway.HeadResult) {
	for {
		e, content, n := c.response.Next(buf[used:])
		used += n
		switch e {
		case fastcgi.More:
			return used, gateway.HeadMore
		case fastcgi.Stdout:
			done, r := c.parse(x, content)
			if r != gateway.HeadMore {
				return used - done, r
			}
		case fastcgi.Stderr:
			if c.complained(x, content) {
				return used, gateway.HeadFailed
			}
		case fastcgi.Broken:
			x.Request.Logf(log.Error, "%s", c.response.Err())
			return used, gateway.HeadFailed
		case fastcgi.StdoutClosed:
			x.Request.Logf(log.Error, "upstream prematurely closed FastCGI stdout")
			return used, gateway.HeadFailed
		default:
			x.Request.Logf(log.Error, "upstream sent unexpected FastCGI record: 3")
			return used, gateway.HeadFailed
		}
	}
}

// parse goes on with the head by a piece of the answer. left is how many bytes of
// it belong to the body.
func (c *codec) parse(x *gateway.Exchange, content []byte) (left int, r gateway.HeadResult) {
	c.head = append(c.head, content...)
	switch c.parsed.Parse(c.head) {
	case h1.AnswerDone:
		left = len(c.head) - c.parsed.Pos()
		c.response.Unread(left)
		return left, cgi.TakeHead(x, &c.parsed, c.head)
	case h1.AnswerFailed:
		return 0, cgi.RefuseHead(x, &c.parsed, c.head)
	}
	if int64(len(c.head)) >= x.Pass.Settings.BufferSize.V {
		x.Request.Logf(log.Error, "upstream sent too big header")
		return 0, gateway.HeadFailed
	}
	return 0, gateway.HeadMore
}

// complained logs a complaint of the application, and reports whether it is one of
// fastcgi_catch_stderr.
func (c *codec) complained(x *gateway.Exchange, text []byte) bool {
	text = fastcgi.TrimStderr(text)
	x.Request.Logf(log.Error, `FastCGI sent in stderr: "%s"`, text)
	for _, caught := range c.plan.catch {
		if bytes.Contains(text, []byte(caught)) {
			return true
		}
	}
	return false
}

// StartBody finds out how long the body is. It is read to the end of the request
// even if it is empty.
func (c *codec) StartBody(x *gateway.Exchange) bool {
	switch {
	case x.Answer.Status == 204 || x.Answer.Status == 304:
		c.rest = 0
	case x.Request.Method == h1.HEAD:
		c.headOnly = true
	default:
		c.rest = x.Answer.ContentLength
	}
	return true
}

// ReadBody takes the frames off the body.
func (c *codec) ReadBody(x *gateway.Exchange, buf []byte) (used int, data []byte, r gateway.BodyResult) {
	for {
		e, content, n := c.response.Next(buf[used:])
		used += n
		switch e {
		case fastcgi.More:
			return used, nil, gateway.BodyMore
		case fastcgi.Stdout:
			data, r = c.take(x, content)
			return used, data, r
		case fastcgi.Stderr:
			x.Request.Logf(log.Error, `FastCGI sent in stderr: "%s"`, fastcgi.TrimStderr(content))
		case fastcgi.StdoutClosed:
			if c.rest > 0 {
				x.Request.Logf(log.Error, "upstream prematurely closed FastCGI stdout")
				return used, nil, gateway.BodyShort
			}
		case fastcgi.EndRequest:
			if c.rest > 0 {
				x.Request.Logf(log.Error, "upstream prematurely closed FastCGI request")
				return used, nil, gateway.BodyShort
			}
		case fastcgi.Complete:
			x.Answer.KeepAlive = c.plan.keep
			return used, nil, gateway.BodyDone
		case fastcgi.Broken:
			x.Request.Logf(log.Error, "%s", c.response.Err())
			return used, nil, gateway.BodyFailed
		}
	}
}

// take cuts off of a piece of the body what is more than the head has announced.
func (c *codec) take(x *gateway.Exchange, content []byte) ([]byte, gateway.BodyResult) {
	if c.headOnly {
		c.headOnly, c.rest = false, x.Answer.ContentLength
	}
	if c.rest >= 0 && int64(len(content)) > c.rest {
		x.Request.Logf(log.Warn, `upstream sent more data than specified in "Content-Length" header`)
		return content[:c.rest], gateway.BodyDone
	}
	if c.rest > 0 {
		c.rest -= int64(len(content))
	}
	return content, gateway.BodyMore
}

// AtEnd: an application that closes the connection without another word has ended
// a body of unknown length, unless it was asked to keep the connection.
func (c *codec) AtEnd(*gateway.Exchange) bool { return !c.plan.keep && c.rest <= 0 }
