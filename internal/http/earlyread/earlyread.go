// Package earlyread reads the bodies of requests before anything else is done.
//
//	client_body_early_read $http_x_large;
//
// A body is read as a whole, into memory or a temporary file, before the first
// phase of the request, when one of the values is neither empty nor "0".
//
// See client_body_early_read in the manual of nginx's http core module.
package earlyread

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// Conf says whose bodies are read early.
type Conf struct {
	at []*conf.Directive // Args: values
}

// Feature joins the server by its line in internal/modules, before all others.
var Feature = http.Feature[Conf]{
	Name: "early_read",
	Doc:  "reads bodies before anything else is done",
	Directives: conf.Table[Conf]{
		{Name: "client_body_early_read", In: conf.Main | conf.Server, Args: conf.OneMore, Variables: conf.ArgsFrom(0), Syntax: "string ...",
			Set: func(c *Conf, d *conf.Directive) error {
				c.at = append(c.at, d)
				return nil
			}},
	},
	Merge: func(c, outer *Conf) error {
		if c.at == nil {
			c.at = outer.at
		}
		return nil
	},
	Install: (*Conf).install,
}

func (c *Conf) install(b *http.Builder) error {
	if len(c.at) == 0 || b.Level().Context != conf.Server {
		return nil
	}
	var p predicates
	for _, d := range c.at {
		for _, text := range d.Args {
			value, err := b.Compile(d, text)
			if err != nil {
				return err
			}
			p = append(p, value)
		}
	}
	b.BuffersBody()
	b.Phase(http.PostRead, p.read)
	return nil
}

// predicates are the values of one server.
type predicates []*http.Value

// read reads the body if one of the values asks for it.
func (p predicates) read(r *http.Request) http.Result {
	for _, value := range p {
		if text := value.Eval(r); text == "" || text == "0" {
			continue
		}
		if r.Debugging() {
			r.Logf(log.Debug, "http client request body early read")
		}
		if rc := r.RefuseLarge(); rc != http.Declined {
			return rc
		}
		_, rc := r.BufferBody()
		return rc
	}
	return http.Declined
}
