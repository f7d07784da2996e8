package autoindex

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf is how one level lists directories.
type Conf struct {
	on        conf.Setting[bool]
	format    conf.Setting[format]
	localTime conf.Setting[bool]
	exactSize conf.Setting[bool]
}

type format uint8

const (
	htmlFormat format = iota
	jsonFormat
	jsonpFormat // JSON in a call of the function that the argument "callback" names
	xmlFormat
)

// Feature joins the server by its line in internal/modules, between index and
// static.
var Feature = http.Feature[Conf]{
	Name: "autoindex",
	Doc:  "lists directories",
	Directives: conf.Table[Conf]{
		{Name: "autoindex", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.on })},
		{Name: "autoindex_format", In: conf.AnyLevel, Args: conf.Take1, Syntax: "html | xml | json | jsonp", Default: "html",
			Set: conf.Enum([]conf.Choice[format]{
				{Word: "html", V: htmlFormat}, {Word: "json", V: jsonFormat}, {Word: "jsonp", V: jsonpFormat}, {Word: "xml", V: xmlFormat},
			}, func(c *Conf) *conf.Setting[format] { return &c.format })},
		{Name: "autoindex_localtime", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.localTime })},
		{Name: "autoindex_exact_size", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.exactSize })},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

func (c *Conf) merge(outer *Conf) error {
	c.on.Inherit(outer.on, false)
	c.format.Inherit(outer.format, htmlFormat)
	c.localTime.Inherit(outer.localTime, false)
	c.exactSize.Inherit(outer.exactSize, true)
	return nil
}

func (c *Conf) install(b *http.Builder) error {
	if !c.on.V {
		return nil
	}
	callback, err := b.Variable(nil, "arg_callback")
	if err != nil {
		return err
	}
	h := &handler{conf: c, callback: callback}
	b.Phase(http.Content, h.serve)
	return nil
}
