package uwsgi

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/wire/uwsgi"
)

// plan is a Conf that is compiled for one location.
type plan struct {
	conf   *Conf
	secure bool // TLS is spoken with the upstream
	pass   gateway.Pass
	aim    cgi.Aim
	params cgi.Lists
}

// install makes the content handler of a location with a uwsgi_pass, and of blocks
// inside it.
func (c *Conf) install(b *http.Builder) (err error) {
	place, inherited := cgi.Find(b, func(c *Conf) *cgi.Place { return &c.place })
	if place == nil {
		return nil
	}
	p := &plan{conf: c, secure: place.Secure}
	if place.Secure || place.Varies() {
		p.pass.SSL = &c.SSL
	}
	if p.aim, err = place.Compile(b); err != nil {
		return err
	}
	if p.params, err = c.params.CompileAll(b, c.Caches()); err != nil {
		return err
	}
	p.pass.Settings, p.pass.Module = &c.Settings, p
	if !inherited {
		cgi.AutoRedirect(b)
	}
	return gateway.Install[Conf](b, &p.pass, inherited, func() gateway.Codec { return new(codec) })
}

// codec is the protocol with an application, for one request.
type codec struct {
	cgi.Plain
	plan *plan
}

// Begin finds out where the request goes to.
func (c *codec) Begin(x *gateway.Exchange) http.Result {
	c.plan = x.Pass.Module.(*plan)
	c.Reset()
	speak(x, c.plan.secure)
	return c.plan.aim.Take(x, takeScheme)
}

// speak notes how the upstream is spoken with.
func speak(x *gateway.Exchange, secure bool) {
	x.Schema, x.SSL = scheme, secure
	if secure {
		x.Schema = secured
	}
}

// takeScheme is cutScheme of an address that the request has made.
func takeScheme(x *gateway.Exchange, address string) string {
	rest, secure := cutScheme(address)
	speak(x, secure)
	return rest
}

// AppendHead appends the packet.
func (c *codec) AppendHead(dst []byte, x *gateway.Exchange, _ int64) ([]byte, http.Result) {
	own := c.plan.conf
	dst, mark := uwsgi.Open(dst, byte(own.Modifier1.V), byte(own.Modifier2.V))
	dst = c.plan.params.For(x).Append(dst, x.Request, uwsgi.Params{}, x.Pass.Settings.PassRequestHeaders.V)
	dst, err := uwsgi.Close(append(dst, own.String.V...), mark)
	return cgi.Appended(x, dst, err)
}
