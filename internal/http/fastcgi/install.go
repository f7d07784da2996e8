package fastcgi

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
)

// plan is a Conf that is compiled for one location.
type plan struct {
	pass   gateway.Pass
	aim    cgi.Aim
	params cgi.Lists
	keep   bool     // the connection, behind the answer
	catch  []string // fastcgi_catch_stderr
}

// install makes the content handler of a location with a fastcgi_pass, and of
// blocks inside it.
func (c *Conf) install(b *http.Builder) (err error) {
	place, inherited := cgi.Find(b, func(c *Conf) *cgi.Place { return &c.place })
	if place == nil {
		return nil
	}
	p := &plan{keep: c.KeepConn.V, catch: c.catchStderr}
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
