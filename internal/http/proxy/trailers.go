package proxy

import (
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// keepTrailers leaves the trailers of a chunked body to readTrailers, if they are
// passed on.
func (c *codec) keepTrailers(x *gateway.Exchange) {
	if x.Pass.Settings.PassTrailers.V {
		c.chunks.EndBeforeTrailers()
	}
}

// readTrailers takes trailers from buf. They end the body; surplus is what is said of
// bytes behind them.
func (c *codec) readTrailers(x *gateway.Exchange, buf []byte, surplus string) (n int, data []byte, r gateway.BodyResult) {
	before := len(c.trailers)
	room := max(int(x.Pass.Settings.BufferSize.V)-before, 0)
	n = min(len(buf), room)
	c.trailers = append(c.trailers, buf[:n]...)
	switch c.answer.Parse(c.trailers) {
	case h1.AnswerFailed:
		x.Request.Logf(log.Error, `upstream sent invalid trailer: "%s"`, c.answer.BadText(c.trailers))
		return n, nil, gateway.BodyFailed
	case h1.AnswerMore:
		if n == room {
			x.Request.Logf(log.Error, "upstream sent too big trailers")
			return n, nil, gateway.BodyFailed
		}
		return n, nil, gateway.BodyMore
	}
	for i := range c.answer.Headers {
		h := &c.answer.Headers[i]
		x.Answer.Trailers.Add(h.Name.View(c.trailers), h.Value.View(c.trailers))
	}
	n = c.answer.Pos() - before
	if n < len(buf) {
		x.Request.Logf(log.Warn, "%s", surplus)
	}
	x.Answer.KeepAlive = !x.Answer.ConnectionClose
	return n, nil, gateway.BodyDone
}
