// Package realip is nginx's stream realip module: it takes the client's address
// from what trusted proxies say in the header of the PROXY protocol.
//
//	server { listen 12345 proxy_protocol; set_real_ip_from 192.0.2.0/24; }
//
// See ngx_stream_realip_module in nginx's manual.
package realip

import (
	"errors"
	"net/netip"

	"github.com/baton-project/baton/internal/cidr"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/match"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/variable"
)

// Conf is whom one level trusts.
type Conf struct {
	from *cidr.Rules // nil: nobody
}

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[Conf]{
	Name: "realip",
	Doc:  "takes the client's address from what trusted proxies say",
	Directives: conf.Table[Conf]{
		{Name: "set_real_ip_from", In: conf.StreamMain | conf.StreamServer, Args: conf.Take1, Set: (*Conf).trust,
			Syntax: "address | CIDR | hostname | unix:"},
	},
	Merge: func(c, outer *Conf) error {
		if c.from == nil {
			c.from = outer.from
		}
		return nil
	},
	Main: func(_ *Conf, m *stream.MainBuilder) error {
		return errors.Join(
			m.Variable("realip_remote_addr", func(s *stream.Session) (string, bool) {
				return variable.Address(s, s.OriginalPeer()), true
			}, 0),
			m.Variable("realip_remote_port", func(s *stream.Session) (string, bool) {
				return variable.Port(s, s.OriginalPeer().Port()), true
			}, 0))
	},
	Install: func(c *Conf, b *stream.Builder) error {
		if c.from != nil {
			b.Phase(stream.PostAccept, c.handle)
		}
		return nil
	},
}

func (c *Conf) trust(d *conf.Directive) error {
	if c.from == nil {
		c.from = new(cidr.Rules)
	}
	return match.AddTrusted(c.from, d)
}

func (c *Conf) handle(s *stream.Session) stream.Result {
	h := s.Proxied()
	if h == nil || c.from.Of(s.Peer().Addr()) != cidr.Allowed {
		return stream.Declined
	}
	if addr, ok := match.ParseAddr(h.Source); ok {
		s.SetPeer(netip.AddrPortFrom(addr, h.SourcePort))
	}
	return stream.Declined
}
