package cgi

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// A Plain is the half of a codec that reads an answer without framing: a status
// line or none, header lines, and the body up to the end of the connection or as
// long as it says. The request's body is sent as it is.
type Plain struct {
	head  h1.Answer
	lines bool  // there is no status line
	rest  int64 // of the body, -1: up to the end
}

// Reset makes p ready for another answer.
func (p *Plain) Reset() {
	p.head.Reset()
	p.lines = false
}

// Restart is Reset; see [gateway.Codec].
func (p *Plain) Restart() { p.Reset() }

// TakesBody: the parameters say how long the body is, so one in chunks has to be
// read first.
func (p *Plain) TakesBody(x *gateway.Exchange) (send, stream bool) {
	return true, !x.Request.Head.Chunked
}

// PieceHead appends nothing.
func (p *Plain) PieceHead(dst []byte, _ int) []byte { return dst }

// PieceTail appends nothing.
func (p *Plain) PieceTail(dst []byte, _ int) []byte { return dst }

// MaxPiece is 0: there are no pieces.
func (p *Plain) MaxPiece() int { return 0 }

// AppendEnd appends nothing.
func (p *Plain) AppendEnd(dst []byte) []byte { return dst }

// ReadHead uses up nothing before the head is complete.
func (p *Plain) ReadHead(x *gateway.Exchange, buf []byte) (int, gateway.HeadResult) {
	for {
		switch p.head.Parse(buf) {
		case h1.AnswerMore:
			return 0, gateway.HeadMore
		case h1.AnswerNotHTTP:
			p.lines = true
			p.head.ResetLines(0)
		case h1.AnswerFailed:
			return 0, RefuseHead(x, &p.head, buf)
		case h1.AnswerDone:
			r := TakeHead(x, &p.head, buf)
			x.Answer.Upgrade = x.Answer.Status == 101 && x.Request.Header(h1.HUpgrade) != ""
			return p.head.Pos(), r
		}
	}
}

// StartBody finds out how long the body is.
func (p *Plain) StartBody(x *gateway.Exchange) bool {
	switch {
	case x.Answer.Status == 204 || x.Answer.Status == 304:
		p.rest = 0
	case x.Request.Method == h1.HEAD:
		p.rest = -1
	default:
		p.rest = x.Answer.ContentLength
	}
	return p.rest != 0
}

// ReadBody passes on all that belongs to the body.
func (p *Plain) ReadBody(x *gateway.Exchange, buf []byte) (int, []byte, gateway.BodyResult) {
	if p.rest < 0 {
		return len(buf), buf, gateway.BodyMore
	}
	if int64(len(buf)) > p.rest {
		x.Request.Logf(log.Warn, `upstream sent more data than specified in "Content-Length" header`)
		buf = buf[:p.rest]
	}
	p.rest -= int64(len(buf))
	if p.rest == 0 {
		return len(buf), buf, gateway.BodyDone
	}
	return len(buf), buf, gateway.BodyMore
}

// AtEnd is true for a body whose length is not known.
func (p *Plain) AtEnd(*gateway.Exchange) bool { return p.rest < 0 }

// Appended is the result of a codec's AppendHead, which fails with err.
func Appended(x *gateway.Exchange, dst []byte, err error) ([]byte, http.Result) {
	if err != nil {
		x.Request.Logf(log.Alert, "%v", err)
		return dst, 500
	}
	return dst, http.Declined
}
