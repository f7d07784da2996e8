package realip

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/baton-project/baton/internal/cidr"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/match"
)

// Conf is whom one level trusts, and with what.
type Conf struct {
	from      *cidr.Rules // nil: nobody
	source    conf.Setting[source]
	recursive conf.Setting[bool]
}

// source is where the address is read; the zero value is X-Real-IP.
type source struct {
	kind   kind
	header string // of the kind fromHeader; lower case
}

type kind uint8

const (
	fromRealIP kind = iota
	fromForwarded
	fromProxied // the header of the PROXY protocol
	fromHeader
)

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "realip",
	Doc:  "takes the client's address from what trusted proxies say",
	Directives: conf.Table[Conf]{
		{Name: "set_real_ip_from", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).trust, Syntax: "address | CIDR | hostname | unix:"},
		{Name: "real_ip_header", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).setHeader,
			Syntax: "field | X-Real-IP | X-Forwarded-For | proxy_protocol", Default: "X-Real-IP"},
		{Name: "real_ip_recursive", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.recursive })},
	},
	Merge: func(c, outer *Conf) error {
		if c.from == nil {
			c.from = outer.from
		}
		c.source.Inherit(outer.source, source{})
		c.recursive.Inherit(outer.recursive, false)
		return nil
	},
	Main: func(_ *Conf, m *http.MainBuilder) error {
		return errors.Join(
			m.Variable("realip_remote_addr", func(r *http.Request) (string, bool) { return r.OriginalAddr(), true }, 0),
			m.Variable("realip_remote_port", func(r *http.Request) (string, bool) { return r.OriginalPort(), true }, 0))
	},
	Install: func(c *Conf, b *http.Builder) error {
		if c.from != nil {
			b.Phase(http.PostRead, c.handle)
			b.Phase(http.Preaccess, c.handle)
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

func (c *Conf) setHeader(d *conf.Directive) error {
	switch name := d.Args[0]; name {
	case "X-Real-IP":
		return c.source.Set(source{kind: fromRealIP})
	case "X-Forwarded-For":
		return c.source.Set(source{kind: fromForwarded})
	case "proxy_protocol":
		return c.source.Set(source{kind: fromProxied})
	default:
		return c.source.Set(source{kind: fromHeader, header: strings.ToLower(name)})
	}
}

// handle sets the address of r unless that was done already.
func (c *Conf) handle(r *http.Request) http.Result {
	if r.PeerSet() {
		return http.Declined
	}
	var room [8]string
	lines := c.lines(r, room[:0])
	if len(lines) == 0 {
		return http.Declined
	}
	from, found := match.ForwardedFrom(r.Peer().Addr(), lines, c.trusts, c.recursive.V)
	if !found {
		return http.Declined
	}
	if c.source.V.kind == fromProxied {
		from = netip.AddrPortFrom(from.Addr(), r.Proxied().SourcePort)
	}
	r.SetPeer(from)
	return http.Declined
}

// lines are the texts that may name the address, appended to dst.
func (c *Conf) lines(r *http.Request, dst []string) []string {
	name := c.source.V.header
	switch c.source.V.kind {
	case fromForwarded:
		return r.HeaderLines(dst, "x_forwarded_for")
	case fromProxied:
		if h := r.Proxied(); h != nil {
			dst = append(dst, h.Source)
		}
		return dst
	case fromRealIP:
		name = "x-real-ip"
	}
	if value, ok := r.HeaderNamed(name); ok {
		dst = append(dst, value)
	}
	return dst
}

// trusts reports whether addr is that of a trusted proxy; a zero Addr is a unix
// socket.
func (c *Conf) trusts(addr netip.Addr) bool { return c.from.Of(addr) == cidr.Allowed }
