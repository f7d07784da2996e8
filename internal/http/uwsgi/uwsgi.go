// Package uwsgi passes requests on to uWSGI.
//
//	location / {
//		uwsgi_pass unix:/run/uwsgi/app.sock;
//		include uwsgi_params;
//	}
//
// See ngx_http_uwsgi_module in nginx's manual.
package uwsgi

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/tls/settings"
)

// Conf is what one level says.
type Conf struct {
	gateway.Settings
	SSL settings.Client

	place     cgi.Place // only of this level
	params    cgi.Params
	Modifier1 conf.Setting[int]
	Modifier2 conf.Setting[int]
	String    conf.Setting[string]
}

const (
	prefix  = "uwsgi_"
	scheme  = "uwsgi://"
	secured = "suwsgi://"
)

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "uwsgi",
	Doc:  "Passes requests on to uWSGI.",
	Directives: append(conf.Table[Conf]{
		{Name: "uwsgi_pass", In: conf.Location | conf.LocationIf, Args: conf.Take1, Variables: conf.Arg(0), Set: (*Conf).setPass, Syntax: "[uwsgi:// | suwsgi://]address"},
		{Name: "uwsgi_param", In: conf.AnyLevel, Args: conf.Take23, Variables: conf.Arg(1), Syntax: "parameter value [if_not_empty]",
			Set: func(c *Conf, d *conf.Directive) error { return c.params.Add(d) }},
		{Name: "uwsgi_modifier1", In: conf.AnyLevel, Args: conf.Take1, Syntax: "number", Default: "0",
			Set: conf.NumBetween(0, 255, func(c *Conf) *conf.Setting[int] { return &c.Modifier1 })},
		{Name: "uwsgi_modifier2", In: conf.AnyLevel, Args: conf.Take1, Syntax: "number", Default: "0",
			Set: conf.NumBetween(0, 255, func(c *Conf) *conf.Setting[int] { return &c.Modifier2 })},
		{Name: "uwsgi_string", In: conf.AnyLevel, Args: conf.Take1, Syntax: "string",
			Set: conf.Str(func(c *Conf) *conf.Setting[string] { return &c.String })},
	}, append(settings.ClientTable(prefix, conf.AnyLevel, func(c *Conf) *settings.Client { return &c.SSL }),
		gateway.Table(prefix, func(c *Conf) *gateway.Settings { return &c.Settings })...)...),
	Merge:   (*Conf).merge,
	Main:    func(c *Conf, m *http.MainBuilder) error { return c.DeclareCaches(m) },
	Install: (*Conf).install,
}

// setPass takes in uwsgi_pass, which may have a scheme.
func (c *Conf) setPass(d *conf.Directive) error {
	text := d.Args[0]
	if !strings.Contains(text, "$") {
		text, c.place.Secure = cutScheme(text)
	}
	return c.place.Set(d, text)
}

// cutScheme takes the scheme off an address.
func cutScheme(address string) (rest string, secure bool) {
	switch {
	case hasScheme(address, scheme):
		return address[len(scheme):], false
	case hasScheme(address, secured):
		return address[len(secured):], true
	}
	return address, false
}

func hasScheme(address, scheme string) bool {
	return len(address) >= len(scheme) && strings.EqualFold(address[:len(scheme)], scheme)
}

func (c *Conf) merge(outer *Conf) error {
	c.params.Inherit(&outer.params)
	c.Modifier1.Inherit(outer.Modifier1, 0)
	c.Modifier2.Inherit(outer.Modifier2, 0)
	c.String.Inherit(outer.String, "")
	if err := c.SSL.Merge(prefix, &outer.SSL); err != nil {
		return err
	}
	return c.Settings.Merge(prefix, &outer.Settings, gateway.Defaults{TempFolder: "uwsgi_temp", Hidden: cgi.Hidden})
}
