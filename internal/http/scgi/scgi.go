// Package scgi passes requests on to applications that speak the Simple Common
// Gateway Interface.
//
//	location / {
//		scgi_pass localhost:4000;
//		include scgi_params;
//	}
//
// See ngx_http_scgi_module in nginx's manual.
package scgi

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
)

// Conf is what one level says.
type Conf struct {
	gateway.Settings

	place  cgi.Place // only of this level
	params cgi.Params
}

const prefix = "scgi_"

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "scgi",
	Doc:  "Passes requests on to SCGI applications.",
	Directives: append(conf.Table[Conf]{
		{Name: "scgi_pass", In: conf.Location | conf.LocationIf, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "address",
			Set: func(c *Conf, d *conf.Directive) error { return c.place.Set(d, d.Args[0]) }},
		{Name: "scgi_param", In: conf.AnyLevel, Args: conf.Take23, Variables: conf.Arg(1), Syntax: "parameter value [if_not_empty]",
			Set: func(c *Conf, d *conf.Directive) error { return c.params.Add(d) }},
	}, gateway.Table(prefix, func(c *Conf) *gateway.Settings { return &c.Settings })...),
	Merge:   (*Conf).merge,
	Main:    func(c *Conf, m *http.MainBuilder) error { return c.DeclareCaches(m) },
	Install: (*Conf).install,
}

func (c *Conf) merge(outer *Conf) error {
	c.params.Inherit(&outer.params)
	return c.Settings.Merge(prefix, &outer.Settings, gateway.Defaults{TempFolder: "scgi_temp", Hidden: cgi.Hidden})
}
