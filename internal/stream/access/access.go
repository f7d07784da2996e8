// Package access is nginx's stream access module: it lets clients in or not by
// their address.
//
//	allow 192.0.2.0/24;
//	deny  all;
//
// See ngx_stream_access_module in nginx's manual.
package access

import (
	"github.com/baton-project/baton/internal/cidr"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/match"
	"github.com/baton-project/baton/internal/stream"
)

// Conf is the rules of one level.
type Conf struct {
	rules *cidr.Rules // nil: those of the enclosing level
}

const places = conf.StreamMain | conf.StreamServer

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[Conf]{
	Name: "access",
	Doc:  "lets clients in or not by their address",
	Directives: conf.Table[Conf]{
		{Name: "allow", In: places, Args: conf.Take1, Syntax: "address | CIDR | unix: | all",
			Set: func(c *Conf, d *conf.Directive) error { return c.add(d, cidr.Allowed) }},
		{Name: "deny", In: places, Args: conf.Take1, Syntax: "address | CIDR | unix: | all",
			Set: func(c *Conf, d *conf.Directive) error { return c.add(d, cidr.Denied) }},
	},
	Merge: func(c, outer *Conf) error {
		if c.rules == nil {
			c.rules = outer.rules
		}
		return nil
	},
	Install: func(c *Conf, b *stream.Builder) error {
		if c.rules != nil {
			b.Phase(stream.Access, c.check)
		}
		return nil
	},
}

func (c *Conf) add(d *conf.Directive, v cidr.Verdict) error {
	if c.rules == nil {
		c.rules = new(cidr.Rules)
	}
	return match.AddRule(c.rules, d, v)
}

func (c *Conf) check(s *stream.Session) stream.Result {
	switch c.rules.Of(s.Peer().Addr()) {
	case cidr.Allowed:
		return stream.OK
	case cidr.Denied:
		s.Logf(log.Error, "access forbidden by rule")
		return stream.StatusForbidden
	}
	return stream.Declined
}
