package memcached

import (
	"bytes"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
	"github.com/baton-project/baton/internal/wire/memcache"
)

// plan is a Conf that is compiled for one location.
type plan struct {
	pass     gateway.Pass
	settings gateway.Settings
	aim      cgi.Aim
	key      *http.Variable
	gzipFlag int64
}

const keyName = "memcached_key"

// install makes the content handler of a location with a memcached_pass.
func (c *Conf) install(b *http.Builder) (err error) {
	place, inherited := cgi.Find(b, func(c *Conf) *cgi.Place { return &c.place })
	if place == nil {
		return nil
	}
	p := &plan{settings: c.Settings, gzipFlag: int64(c.GzipFlag.V)}
	p.settings.Buffering.V = false
	p.settings.InterceptErrors.V = true
	p.settings.ForceRanges.V = true
	p.settings.PassRequestBody.V = false
	if p.aim, err = place.Compile(b); err != nil {
		return err
	}
	if p.key, err = b.Variable(nil, keyName); err != nil {
		return err
	}
	p.pass.Settings, p.pass.Module, p.pass.Intercept404 = &p.settings, p, true
	if !inherited {
		cgi.AutoRedirect(b)
	}
	return gateway.Install[Conf](b, &p.pass, inherited, func() gateway.Codec { return new(codec) })
}

// codec is a "get" of memcached, for one request.
type codec struct {
	plan    *plan
	key     []byte // as sent
	rest    int64  // of the value
	trailer string // what has to follow it
}

// Begin finds out where the request goes to.
func (c *codec) Begin(x *gateway.Exchange) http.Result {
	c.plan = x.Pass.Module.(*plan)
	r := x.Request
	if r.Method&(h1.GET|h1.HEAD) == 0 {
		return 405
	}
	if rc := r.Discard(); rc != http.Declined {
		return rc
	}
	r.SetContentType()
	x.Schema = "memcached://"
	return c.plan.aim.Take(x, nil)
}

// TakesBody says that there is none.
func (c *codec) TakesBody(*gateway.Exchange) (send, stream bool) { return false, false }

// AppendHead appends the request.
func (c *codec) AppendHead(dst []byte, x *gateway.Exchange, _ int64) ([]byte, http.Result) {
	key, ok := c.plan.key.Get(x.Request)
	if !ok || key == "" {
		x.Request.Logf(log.Error, `the "$memcached_key" variable is not set`)
		return dst, 500
	}
	dst, start, end := memcache.AppendGet(dst, key)
	c.key = append(c.key[:0], dst[start:end]...)
	return dst, http.Declined
}

// PieceHead appends nothing: there is no body.
func (c *codec) PieceHead(dst []byte, _ int) []byte { return dst }

// PieceTail appends nothing.
func (c *codec) PieceTail(dst []byte, _ int) []byte { return dst }

// MaxPiece is 0.
func (c *codec) MaxPiece() int { return 0 }

// AppendEnd appends nothing.
func (c *codec) AppendEnd(dst []byte) []byte { return dst }

// Restart has nothing to forget.
func (c *codec) Restart() {}

// ReadHead reads the line before the value.
func (c *codec) ReadHead(x *gateway.Exchange, buf []byte) (int, gateway.HeadResult) {
	r, a := x.Request, &x.Answer
	reply, n, err := memcache.ParseReply(buf, c.key, c.plan.gzipFlag != 0)
	switch {
	case err != nil:
		r.Logf(log.Error, "%v", err)
		return 0, gateway.HeadFailed
	case n == 0:
		return 0, gateway.HeadMore
	case !reply.Found:
		r.Logf(log.Info, `key: "%s" was not found by memcached`, c.key)
		x.SetStatus(404)
		a.Status, a.ContentLength, a.KeepAlive = 404, 0, true
		c.rest, c.trailer = 0, ""
		return n, gateway.HeadDone
	}
	if reply.Flags&c.plan.gzipFlag != 0 && !x.AddLine("Content-Encoding", "gzip", h1.AnswerContentEncoding) {
		return n, gateway.HeadFailed
	}
	x.SetStatus(200)
	a.Status, a.ContentLength = 200, reply.Length
	c.rest, c.trailer = reply.Length, memcache.Trailer
	return n, gateway.HeadDone
}

// StartBody: the value is followed by more, even if it is empty.
func (c *codec) StartBody(*gateway.Exchange) bool { return c.trailer != "" }

// ReadBody takes the value, and then what has to follow it.
func (c *codec) ReadBody(x *gateway.Exchange, buf []byte) (used int, data []byte, r gateway.BodyResult) {
	if n := int(min(c.rest, int64(len(buf)))); n > 0 {
		c.rest -= int64(n)
		return n, buf[:n], gateway.BodyMore
	}
	n := min(len(buf), len(c.trailer))
	if len(buf) > len(c.trailer) || !bytes.Equal(buf[:n], []byte(c.trailer[:n])) {
		x.Request.Logf(log.Error, "memcached sent invalid trailer")
		c.trailer = ""
		return n, nil, gateway.BodyDone
	}
	if c.trailer = c.trailer[n:]; c.trailer != "" {
		return n, nil, gateway.BodyMore
	}
	x.Answer.KeepAlive = true
	return n, nil, gateway.BodyDone
}

// AtEnd is never true: the length was announced.
func (c *codec) AtEnd(*gateway.Exchange) bool { return false }
