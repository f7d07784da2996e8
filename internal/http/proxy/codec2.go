package proxy

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/h2up"
	"github.com/baton-project/baton/internal/log"
)

// codec2 is HTTP/2 with an upstream, for one request.
type codec2 struct {
	h2up.Stream
	base codec // what both versions have in common
	head h2up.Head
}

// multiplexed tells the codecs of this version apart.
type multiplexed struct{}

// Begin finds out where the request goes to.
func (c *codec2) Begin(x *gateway.Exchange) http.Result {
	c.Reset(false)
	return c.base.Begin(x)
}

// TakesBody says whether the request's body is passed on.
func (c *codec2) TakesBody(x *gateway.Exchange) (send, stream bool) {
	send = c.base.plan.body == nil && x.Pass.Settings.PassRequestBody.V
	return send, send
}

// AppendKey appends what stands for the answer in a cache: the URL.
func (c *codec2) AppendKey(dst []byte, x *gateway.Exchange) []byte { return c.base.AppendKey(dst, x) }

// AppendHead appends the request's head.
func (c *codec2) AppendHead(dst []byte, x *gateway.Exchange, size int64) ([]byte, http.Result) {
	r, base := x.Request, &c.base
	p := base.plan
	method := base.method(x)
	c.Reset(base.isHead)
	if p.body != nil {
		text := p.body.Eval(r)
		if size = int64(len(text)); size > 0 {
			x.SetBody(text)
		}
	}
	base.size = size
	uri := base.appendURI(r.Scratch(len(r.Target())+len(base.url.uri)+len(r.URI)), r)
	if len(uri) == 0 {
		r.Logf(log.Error, "zero length URI to proxy")
		return dst, 500
	}
	x.URI = http.View(uri)
	c.head.Begin(method, base.url.ssl, x.URI, base.hostOf(r))
	lines := &p.plain
	if x.Cacheable() {
		lines = &p.cached
	}
	for i := range lines.sent {
		h := &lines.sent[i]
		c.head.Add(h.name, http.View(base.appendValue(r.Scratch(64), r, h)))
	}
	if x.Pass.Settings.PassRequestHeaders.V {
		c.head.AddClient(r, &lines.skip)
	}
	return c.head.Append(dst, !x.HasBody()), http.Declined
}

var _ gateway.Duplex = (*codec2)(nil)
