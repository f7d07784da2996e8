package grpc

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
)

// plan is a Conf that is compiled for one location.
type plan struct {
	pass      gateway.Pass
	aim       cgi.Aim
	fixed     bool // all requests go to the same place
	scheme    string
	authority string
	host      bool // grpc_set_header has a Host, which stands in the authority's place
	sent      []header
	skip      gateway.Names // of the client's

	sendsLength, sendsTE bool
}

// A header is one field of grpc_set_header.
type header struct {
	name  string
	value *http.Value
}

// notPassed are the client's fields that are not passed on as they are.
var notPassed = []string{"Content-Length", "TE", "Host", "Connection", "Proxy-Connection", "Transfer-Encoding", "Keep-Alive", "Expect", "Upgrade"}

// install makes the content handler of a location with a grpc_pass, and of blocks
// inside it.
func (c *Conf) install(b *http.Builder) (err error) {
	place, inherited := cgi.Find(b, func(c *Conf) *cgi.Place { return &c.place })
	if place == nil {
		return nil
	}
	from := c.source(b)
	p := &plan{fixed: !place.Varies(), scheme: from.scheme, authority: from.authority}
	if p.aim, err = place.Compile(b); err != nil {
		return err
	}
	if err = p.compileHeaders(b, c.headers); err != nil {
		return err
	}
	p.pass.Settings, p.pass.Module = &c.Settings, p
	if !p.fixed || place.Secure {
		p.pass.SSL = &c.SSL
	}
	if !inherited {
		cgi.AutoRedirect(b)
	}
	return gateway.Install[Conf](b, &p.pass, inherited, func() gateway.Codec { return new(codec) })
}

// source is the Conf whose grpc_pass counts at b's level.
func (c *Conf) source(b *http.Builder) *Conf {
	for l := b.Level(); l != nil; l = l.Parent {
		if own := conf.Own[Conf](l); own != nil && own.place.IsSet() {
			return own
		}
	}
	return c
}

// compileHeaders makes the fields of the request.
func (p *plan) compileHeaders(b *http.Builder, headers []headerConf) error {
	p.sendsLength, p.sendsTE = true, true
	for _, name := range notPassed {
		p.skip.Put(name)
	}
	for _, h := range headers {
		value, err := b.Compile(h.at, h.value)
		if err != nil {
			return err
		}
		switch {
		case strings.EqualFold(h.name, "Host"):
			p.host = true
		case strings.EqualFold(h.name, "Content-Length"):
			p.sendsLength = false
		case strings.EqualFold(h.name, "TE"):
			p.sendsTE = false
		}
		p.skip.Put(h.name)
		p.sent = append(p.sent, header{h.name, value})
	}
	return nil
}
