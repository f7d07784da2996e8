package proxy

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/stream/upstream"
	"github.com/baton-project/baton/internal/tls/settings"
)

// Conf is what one level says about passing sessions on.
type Conf struct {
	at     *conf.Directive // proxy_pass; nil: none
	target *upstream.Target

	Timeout         conf.Setting[time.Duration]
	ConnectTimeout  conf.Setting[time.Duration]
	HalfClose       conf.Setting[bool]
	Bind            conf.Setting[bind]
	BufferSize      conf.Setting[int64]
	UploadRate      conf.Setting[*conf.Directive]
	DownloadRate    conf.Setting[*conf.Directive]
	Requests        conf.Setting[int]
	Responses       conf.Setting[int]
	Next            conf.Setting[bool]
	NextTries       conf.Setting[int]
	NextTimeout     conf.Setting[time.Duration]
	Protocol        conf.Setting[int] // version of the PROXY protocol; 0: none
	SocketKeepalive conf.Setting[bool]
	ReceiveBuffer   conf.Setting[int64]
	SendBuffer      conf.Setting[int64]

	Secure    conf.Setting[bool]            // proxy_ssl
	Protocols conf.Setting[*conf.Directive] // of proxy_ssl_alpn
	SSL       settings.Client
}

const levels = conf.StreamMain | conf.StreamServer

var protocols = []conf.Choice[int]{{Word: "off", V: 0}, {Word: "on", V: 1}, {Word: "v2", V: 2}}

// unlimited is proxy_responses when nothing is said.
const unlimited = math.MaxInt32

func seconds(name, byDefault string, field func(*Conf) *conf.Setting[time.Duration]) conf.Entry[Conf] {
	return conf.Entry[Conf]{Name: name, In: levels, Args: conf.Take1, Syntax: "time", Default: byDefault, Set: conf.Msec(field)}
}

func flag(name, byDefault string, field func(*Conf) *conf.Setting[bool]) conf.Entry[Conf] {
	return conf.Entry[Conf]{Name: name, In: levels, Args: conf.Flag, Syntax: "on | off", Default: byDefault, Set: conf.OnOff(field)}
}

func number(name, byDefault string, field func(*Conf) *conf.Setting[int]) conf.Entry[Conf] {
	return conf.Entry[Conf]{Name: name, In: levels, Args: conf.Take1, Syntax: "number", Default: byDefault, Set: conf.Num(field)}
}

func size(name, byDefault string, field func(*Conf) *conf.Setting[int64]) conf.Entry[Conf] {
	return conf.Entry[Conf]{Name: name, In: levels, Args: conf.Take1, Syntax: "size", Default: byDefault, Set: conf.Size(field)}
}

func rate(name string, field func(*Conf) *conf.Setting[*conf.Directive]) conf.Entry[Conf] {
	return conf.Entry[Conf]{Name: name, In: levels, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "rate", Default: "0",
		Set: func(c *Conf, d *conf.Directive) error {
			if _, err := conf.ParseSize(d.Args[0]); err != nil && !hasVariable(d.Args[0]) {
				return conf.ErrInvalidValue
			}
			return field(c).Set(d)
		}}
}

// Feature joins the server by its line in internal/modules, behind upstream.
var Feature = stream.Feature[Conf]{
	Name: "proxy",
	Doc:  "Passes sessions on to other servers.",
	Directives: append(conf.Table[Conf]{
		{Name: "proxy_pass", In: conf.StreamServer, Args: conf.Take1, Variables: conf.Arg(0), Set: (*Conf).setPass, Syntax: "address"},
		seconds("proxy_timeout", "10m", func(c *Conf) *conf.Setting[time.Duration] { return &c.Timeout }),
		seconds("proxy_connect_timeout", "60s", func(c *Conf) *conf.Setting[time.Duration] { return &c.ConnectTimeout }),
		flag("proxy_half_close", "off", func(c *Conf) *conf.Setting[bool] { return &c.HalfClose }),
		{Name: "proxy_bind", In: levels, Args: conf.Take12, Variables: conf.Arg(0), Set: (*Conf).setBind, Syntax: "address [transparent] | off"},
		size("proxy_buffer_size", "16k", func(c *Conf) *conf.Setting[int64] { return &c.BufferSize }),
		old(size("proxy_downstream_buffer", "16k", func(c *Conf) *conf.Setting[int64] { return &c.BufferSize })),
		old(size("proxy_upstream_buffer", "16k", func(c *Conf) *conf.Setting[int64] { return &c.BufferSize })),
		rate("proxy_upload_rate", func(c *Conf) *conf.Setting[*conf.Directive] { return &c.UploadRate }),
		rate("proxy_download_rate", func(c *Conf) *conf.Setting[*conf.Directive] { return &c.DownloadRate }),
		number("proxy_requests", "0", func(c *Conf) *conf.Setting[int] { return &c.Requests }),
		number("proxy_responses", "", func(c *Conf) *conf.Setting[int] { return &c.Responses }),
		flag("proxy_next_upstream", "on", func(c *Conf) *conf.Setting[bool] { return &c.Next }),
		number("proxy_next_upstream_tries", "0", func(c *Conf) *conf.Setting[int] { return &c.NextTries }),
		seconds("proxy_next_upstream_timeout", "0", func(c *Conf) *conf.Setting[time.Duration] { return &c.NextTimeout }),
		{Name: "proxy_protocol", In: levels, Args: conf.Take1, Syntax: "on | off | v2", Default: "off",
			Set: conf.Enum(protocols, func(c *Conf) *conf.Setting[int] { return &c.Protocol })},
		flag("proxy_socket_keepalive", "off", func(c *Conf) *conf.Setting[bool] { return &c.SocketKeepalive }),
		size("proxy_socket_rcvbuf", "0", func(c *Conf) *conf.Setting[int64] { return &c.ReceiveBuffer }),
		size("proxy_socket_sndbuf", "0", func(c *Conf) *conf.Setting[int64] { return &c.SendBuffer }),
		flag("proxy_ssl", "off", func(c *Conf) *conf.Setting[bool] { return &c.Secure }),
		{Name: "proxy_ssl_alpn", In: levels, Args: conf.OneMore, Variables: conf.ArgsFrom(0), Syntax: "protocol ...",
			Set: func(c *Conf, d *conf.Directive) error { return c.Protocols.Set(d) }},
	}, slices.DeleteFunc(settings.ClientTable("proxy_", levels, func(c *Conf) *settings.Client { return &c.SSL }),
		func(e conf.Entry[Conf]) bool { return e.Name == "proxy_ssl_key_log" })...),
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

// old warns of a name that has been replaced.
func old(e conf.Entry[Conf]) conf.Entry[Conf] {
	set := e.Set
	e.Set = func(c *Conf, d *conf.Directive) error {
		if err := set(c, d); err != nil {
			return err
		}
		d.Warnf(`the "%s" directive is deprecated, use the "proxy_buffer_size" directive instead`, d.Name)
		return nil
	}
	return e
}

func hasVariable(text string) bool { return strings.IndexByte(text, '$') >= 0 }

func (c *Conf) setPass(d *conf.Directive) (err error) {
	if c.at != nil {
		return conf.ErrDuplicate
	}
	c.at = d
	stream.ContentBy(d)
	if !hasVariable(d.Args[0]) {
		c.target, err = upstream.Of(d.Level()).Refer(d, d.Args[0])
	}
	return err
}

func (c *Conf) merge(outer *Conf) error {
	c.Timeout.Inherit(outer.Timeout, 10*time.Minute)
	c.ConnectTimeout.Inherit(outer.ConnectTimeout, time.Minute)
	c.HalfClose.Inherit(outer.HalfClose, false)
	c.Bind.Inherit(outer.Bind, bind{})
	c.BufferSize.Inherit(outer.BufferSize, 16384)
	c.UploadRate.Inherit(outer.UploadRate, nil)
	c.DownloadRate.Inherit(outer.DownloadRate, nil)
	c.Requests.Inherit(outer.Requests, 0)
	c.Responses.Inherit(outer.Responses, unlimited)
	c.Next.Inherit(outer.Next, true)
	c.NextTries.Inherit(outer.NextTries, 0)
	c.NextTimeout.Inherit(outer.NextTimeout, 0)
	c.Protocol.Inherit(outer.Protocol, 0)
	c.SocketKeepalive.Inherit(outer.SocketKeepalive, false)
	c.ReceiveBuffer.Inherit(outer.ReceiveBuffer, 0)
	c.SendBuffer.Inherit(outer.SendBuffer, 0)
	c.Secure.Inherit(outer.Secure, false)
	c.Protocols.Inherit(outer.Protocols, nil)
	return c.SSL.Merge("proxy_", &outer.SSL)
}
