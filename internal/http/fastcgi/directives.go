package fastcgi

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
)

// Conf is what one level says.
type Conf struct {
	gateway.Settings

	place       cgi.Place // only of this level
	params      cgi.Params
	Index       conf.Setting[string]
	KeepConn    conf.Setting[bool]
	catchStderr []string
	split       *split // nil: none
}

const prefix = "fastcgi_"

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "fastcgi",
	Doc:  "Passes requests on to FastCGI applications.",
	Directives: append(conf.Table[Conf]{
		{Name: "fastcgi_pass", In: conf.Location | conf.LocationIf, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "address",
			Set: func(c *Conf, d *conf.Directive) error { return c.place.Set(d, d.Args[0]) }},
		{Name: "fastcgi_param", In: conf.AnyLevel, Args: conf.Take23, Variables: conf.Arg(1), Syntax: "parameter value [if_not_empty]",
			Set: func(c *Conf, d *conf.Directive) error { return c.params.Add(d) }},
		{Name: "fastcgi_index", In: conf.AnyLevel, Args: conf.Take1, Syntax: "name",
			Set: conf.Str(func(c *Conf) *conf.Setting[string] { return &c.Index })},
		{Name: "fastcgi_split_path_info", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).setSplit, Syntax: "regex"},
		{Name: "fastcgi_catch_stderr", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).addCatch, Syntax: "string"},
		{Name: "fastcgi_keep_conn", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.KeepConn })},
	}, gateway.Table(prefix, func(c *Conf) *gateway.Settings { return &c.Settings })...),
	Merge:   (*Conf).merge,
	Main:    (*Conf).declare,
	Install: (*Conf).install,
}

func (c *Conf) merge(outer *Conf) error {
	if err := c.Settings.Merge(prefix, &outer.Settings, gateway.Defaults{TempFolder: "fastcgi_temp", Hidden: cgi.Hidden}); err != nil {
		return err
	}
	c.params.Inherit(&outer.params)
	c.Index.Inherit(outer.Index, "")
	c.KeepConn.Inherit(outer.KeepConn, false)
	if c.catchStderr == nil {
		c.catchStderr = outer.catchStderr
	}
	if c.split == nil {
		c.split = outer.split
	}
	return nil
}

func (c *Conf) addCatch(d *conf.Directive) error {
	c.catchStderr = append(c.catchStderr, d.Args[0])
	return nil
}
