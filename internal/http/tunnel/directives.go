package tunnel

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
)

// Conf is what one level says.
type Conf struct {
	gateway.Settings

	place      cgi.Place // only of this level
	bufferSize conf.Setting[int64]
}

const prefix = "tunnel_"

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "tunnel",
	Doc:  "Opens connections for clients that ask for them by CONNECT.",
	Directives: append(conf.Table[Conf]{
		{Name: "tunnel_pass", In: conf.Server | conf.Location | conf.LocationIf, Args: conf.NoArgs | conf.Take1, Variables: conf.Arg(0),
			Syntax: "[address]", Default: "$host:$request_port", Set: (*Conf).setPass},
		{Name: "tunnel_buffer_size", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size",
			Set:      conf.Size(func(c *Conf) *conf.Setting[int64] { return &c.bufferSize }),
			Accepted: "a tunnel has a buffer only while bytes pass"},
	}, shared()...),
	Merge: func(c, outer *Conf) error {
		return c.Settings.Merge(prefix, &outer.Settings, gateway.Defaults{TempFolder: "proxy_temp"})
	},
	Install: (*Conf).install,
}

// setPass is tunnel_pass, which lets the server take CONNECT requests.
func (c *Conf) setPass(d *conf.Directive) error {
	http.AllowConnect(d.Level())
	if len(d.Args) == 0 {
		return c.place.Set(d, "$host:$request_port")
	}
	return c.place.Set(d, d.Args[0])
}

// shared are the directives of every *_pass that this one has too.
func shared() (table conf.Table[Conf]) {
	const names = " bind socket_keepalive socket_rcvbuf socket_sndbuf connect_timeout send_timeout send_lowat read_timeout " +
		"next_upstream next_upstream_tries next_upstream_timeout "
	for _, e := range gateway.Table(prefix, func(c *Conf) *gateway.Settings { return &c.Settings }) {
		name := strings.TrimPrefix(e.Name, prefix)
		if !strings.Contains(names, " "+name+" ") {
			continue
		}
		if name == "next_upstream" {
			e.Set, e.Syntax = ownWords(e.Set), "error | timeout | off ..."
		}
		table = append(table, e)
	}
	return table
}

// ownWords makes tunnel_next_upstream of next_upstream: other words are about
// answers, and there are none.
func ownWords(set func(*Conf, *conf.Directive) error) func(*Conf, *conf.Directive) error {
	return func(c *Conf, d *conf.Directive) error {
		for _, word := range d.Args {
			switch word {
			case "error", "timeout", "off":
			default:
				return d.Errorf(`invalid value "%s"`, word)
			}
		}
		return set(c, d)
	}
}
