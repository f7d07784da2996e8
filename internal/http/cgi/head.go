package cgi

import (
	"fmt"

	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Hidden are the lines of an answer that are not passed on.
var Hidden = []string{"Status", "X-Accel-Expires", "X-Accel-Redirect", "X-Accel-Limit-Rate", "X-Accel-Buffering", "X-Accel-Charset"}

// TakeHead makes the head that a has parsed x's answer, or logs what is wrong
// with it. buf is what a was parsed from, and stays as it is until the request has
// ended.
func TakeHead(x *gateway.Exchange, a *h1.Answer, buf []byte) gateway.HeadResult {
	for i := range a.Headers {
		h := &a.Headers[i]
		if !x.AddLine(h.Name.View(buf), h.Value.View(buf), h.ID) {
			return gateway.HeadFailed
		}
	}
	if a.Status == 0 {
		if err := Status(a, buf); err != nil {
			x.Request.Logf(log.Error, "%v", err)
			return gateway.HeadFailed
		}
	}
	x.SetStatus(a.Status)
	x.Answer.Status, x.Answer.StatusLine = a.Status, a.StatusLine.View(buf)
	return gateway.HeadDone
}

// RefuseHead logs the line at which a has failed.
func RefuseHead(x *gateway.Exchange, a *h1.Answer, buf []byte) gateway.HeadResult {
	x.Request.Logf(log.Error, `upstream sent invalid header: "%s"`, a.BadText(buf))
	return gateway.HeadFailed
}

// Status completes the head of a response that has no status line: the status is
// that of the first line "Status", which may have a text behind it; without one it
// is 302 for a response with a Location, else 200. buf is what a was parsed from.
// The error is nginx's sentence.
func Status(a *h1.Answer, buf []byte) error {
	a.Status = 200
	for i := range a.Headers {
		switch h := &a.Headers[i]; h.ID {
		case h1.AnswerStatus:
			return statusLine(a, buf, h.Value)
		case h1.AnswerLocation:
			a.Status = 302
		}
	}
	return nil
}

func statusLine(a *h1.Answer, buf []byte, line h1.Span) error {
	text := line.Of(buf)
	if len(text) < 3 || !digit(text[0]) || !digit(text[1]) || !digit(text[2]) {
		return fmt.Errorf(`upstream sent invalid status "%s"`, text)
	}
	a.Status = int(text[0]-'0')*100 + int(text[1]-'0')*10 + int(text[2]-'0')
	if len(text) > 3 {
		a.StatusLine = line
	}
	return nil
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
