package sub

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf says what one level replaces.
type Conf struct {
	filters      []*conf.Directive // Args: the text and what takes its place
	Types        http.TypeSet
	Once         conf.Setting[bool]
	LastModified conf.Setting[bool]
}

// Feature joins the server by its line in internal/modules, before charset.
var Feature = http.Feature[Conf]{
	Name: "sub",
	Doc:  "replaces texts in answers",
	Directives: conf.Table[Conf]{
		{Name: "sub_filter", In: conf.AnyLevel, Args: conf.Take2, Variables: conf.ArgsFrom(0), Set: (*Conf).addFilter, Syntax: "string replacement"},
		{Name: "sub_filter_types", In: conf.AnyLevel, Args: conf.OneMore, Set: (*Conf).addTypes, Syntax: "mime-type ...", Default: "text/html"},
		{Name: "sub_filter_once", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.Once })},
		{Name: "sub_filter_last_modified", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.LastModified })},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

func (c *Conf) addFilter(d *conf.Directive) error {
	if d.Args[0] == "" {
		return d.Errorf("empty search pattern")
	}
	if len(c.filters) == 255 {
		return d.Errorf("number of search patterns exceeds 255")
	}
	c.filters = append(c.filters, d)
	return nil
}

func (c *Conf) addTypes(d *conf.Directive) error {
	c.Types.Add(d, "text/html")
	return nil
}

func (c *Conf) merge(outer *Conf) error {
	if c.filters == nil {
		c.filters = outer.filters
	}
	c.Types.Inherit(outer.Types, "text/html")
	c.Once.Inherit(outer.Once, true)
	c.LastModified.Inherit(outer.LastModified, false)
	return nil
}
