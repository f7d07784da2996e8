package scgi

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/wire/scgi"
)

// plan is a Conf that is compiled for one location.
type plan struct {
	pass   gateway.Pass
	aim    cgi.Aim
	params cgi.Lists
}

// install makes the content handler of a location with a scgi_pass, and of blocks
// inside it.
func (c *Conf) install(b *http.Builder) (err error) {
	place, inherited := cgi.Find(b, func(c *Conf) *cgi.Place { return &c.place })
	if place == nil {
		return nil
	}
	p := new(plan)
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
	x.Schema = "scgi://"
	return c.plan.aim.Take(x, nil)
}

// AppendHead appends the parameters. As the request's length stands before them,
// they begin behind what dst is there for.
func (c *codec) AppendHead(dst []byte, x *gateway.Exchange, size int64) ([]byte, http.Result) {
	dst, mark := scgi.Open(dst, max(size, 0))
	dst = c.plan.params.For(x).Append(dst, x.Request, scgi.Params{}, x.Pass.Settings.PassRequestHeaders.V)
	_, request := scgi.Close(dst, mark)
	return request, http.Declined
}
