package proxy

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/tls/settings"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Conf is what one level says.
type Conf struct {
	gateway.Settings
	SSL settings.Client

	pass    *passConf // nil: no proxy_pass here
	headers []headerConf
	Method  conf.Setting[*conf.Directive]
	Body    conf.Setting[*conf.Directive]
	Version conf.Setting[h1.Version]
	hashes  [2]conf.Setting[int]
	rewrites
}

// headerConf is one proxy_set_header.
type headerConf struct {
	at          *conf.Directive
	name, value string
}

const prefix = "proxy_"

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "proxy",
	Doc:  "Passes requests on to other servers.",
	Directives: append(append(conf.Table[Conf]{
		{Name: "proxy_pass", In: conf.Location | conf.LocationIf | conf.LimitExcept, Args: conf.Take1, Variables: conf.Arg(0), Set: (*Conf).setPass, Syntax: "URL"},
		{Name: "proxy_set_header", In: conf.AnyLevel, Args: conf.Take2, Variables: conf.Arg(1), Set: (*Conf).addHeader, Syntax: "field value"},
		{Name: "proxy_method", In: conf.AnyLevel, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "method",
			Set: directive(func(c *Conf) *conf.Setting[*conf.Directive] { return &c.Method })},
		{Name: "proxy_set_body", In: conf.AnyLevel, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "value",
			Set: directive(func(c *Conf) *conf.Setting[*conf.Directive] { return &c.Body })},
		{Name: "proxy_http_version", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).setVersion, Syntax: "1.0 | 1.1 | 2", Default: "1.1"},
		{Name: "proxy_pass_trailers", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.PassTrailers })},
		{Name: "proxy_headers_hash_max_size", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size", Default: "512",
			Set:      conf.Num(func(c *Conf) *conf.Setting[int] { return &c.hashes[0] }),
			Accepted: "there is no hash table that would need a size"},
		{Name: "proxy_headers_hash_bucket_size", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size", Default: "64",
			Set:      conf.Num(func(c *Conf) *conf.Setting[int] { return &c.hashes[1] }),
			Accepted: "there is no hash table that would need a size"},
	}, append(rewriteTable, settings.ClientTable(prefix, conf.AnyLevel, func(c *Conf) *settings.Client { return &c.SSL })...)...),
		gateway.Table(prefix, func(c *Conf) *gateway.Settings { return &c.Settings })...),
	Merge:   (*Conf).merge,
	Main:    (*Conf).declare,
	Declare: (*Conf).compileRules,
	Install: (*Conf).install,
}

// directive stores the directive itself, whose argument is compiled later.
func directive(field func(*Conf) *conf.Setting[*conf.Directive]) func(*Conf, *conf.Directive) error {
	return func(c *Conf, d *conf.Directive) error { return field(c).Set(d) }
}

// hidden are the lines of an answer that are not passed on.
var hidden = []string{"Date", "Server", "X-Pad", "X-Accel-Expires", "X-Accel-Redirect", "X-Accel-Limit-Rate",
	"X-Accel-Buffering", "X-Accel-Charset"}

func (c *Conf) merge(outer *Conf) error {
	if err := c.Settings.Merge(prefix, &outer.Settings, gateway.Defaults{TempFolder: "proxy_temp", Hidden: hidden}); err != nil {
		return err
	}
	if err := c.SSL.Merge(prefix, &outer.SSL); err != nil {
		return err
	}
	if c.headers == nil {
		c.headers = outer.headers
	}
	c.Method.Inherit(outer.Method, nil)
	c.Body.Inherit(outer.Body, nil)
	c.Version.Inherit(outer.Version, h1.HTTP11)
	c.rewrites.merge(&outer.rewrites, c.pass)
	return nil
}

func (c *Conf) addHeader(d *conf.Directive) error {
	c.headers = append(c.headers, headerConf{d, d.Args[0], d.Args[1]})
	return nil
}

func (c *Conf) setVersion(d *conf.Directive) error {
	switch d.Args[0] {
	case "1.0":
		return c.Version.Set(h1.HTTP10)
	case "1.1":
		return c.Version.Set(h1.HTTP11)
	case "2":
		return c.Version.Set(h1.HTTP20)
	}
	return d.Errorf(`invalid value "%s"`, d.Args[0])
}
