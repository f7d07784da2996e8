package charset

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf says what charset one level has.
type Conf struct {
	Charset  conf.Setting[name]
	Source   conf.Setting[name]
	Override conf.Setting[bool]
	Types    http.TypeSet
	maps     []*translation // of charset_map; http{} only
}

// name is the argument of a directive. at is nil for off.
type name struct {
	at   *conf.Directive
	text string
}

func (n name) isVariable() bool { return strings.HasPrefix(n.text, "$") }

const levels = conf.AnyLevel | conf.LocationIf

// defaultTypes are those that charset_types has without being told.
var defaultTypes = []string{
	"text/html", "text/xml", "text/plain", "text/vnd.wap.wml", "application/javascript", "application/rss+xml",
}

// Feature joins the server by its line in internal/modules, before gzip.
var Feature = http.Feature[Conf]{
	Name: "charset",
	Doc:  "names the charset of answers and translates them",
	Directives: conf.Table[Conf]{
		{Name: "charset", In: levels, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "charset | off", Default: "off",
			Set: func(c *Conf, d *conf.Directive) error { return setName(&c.Charset, d, d.Args[0] == "off") }},
		{Name: "source_charset", In: levels, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "charset",
			Set: func(c *Conf, d *conf.Directive) error { return setName(&c.Source, d, false) }},
		{Name: "override_charset", In: levels, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.Override })},
		{Name: "charset_types", In: conf.AnyLevel, Args: conf.OneMore, Set: (*Conf).addTypes, Syntax: "mime-type ...",
			Default: strings.Join(defaultTypes, " ")},
		{Name: "charset_map", In: conf.Main, Args: conf.Block | conf.Take2, Set: (*Conf).addMap, Syntax: "charset1 charset2 { ... }"},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

func setName(s *conf.Setting[name], d *conf.Directive, off bool) error {
	if off {
		return s.Set(name{})
	}
	return s.Set(name{d, d.Args[0]})
}

func (c *Conf) addTypes(d *conf.Directive) error {
	c.Types.Add(d, defaultTypes[0])
	return nil
}

func (c *Conf) addMap(d *conf.Directive) error {
	t, err := newTranslation(d)
	if err != nil {
		return err
	}
	for _, other := range c.maps {
		if other.joins(t.from, t.to) || other.joins(t.to, t.from) {
			return d.Errorf(`duplicate "charset_map" between "%s" and "%s"`, d.Args[0], d.Args[1])
		}
	}
	c.maps = append(c.maps, t)
	return d.Each(t.addLine)
}

func (c *Conf) merge(outer *Conf) error {
	c.Charset.Inherit(outer.Charset, name{})
	c.Source.Inherit(outer.Source, name{})
	c.Override.Inherit(outer.Override, false)
	c.Types.Inherit(outer.Types, defaultTypes...)
	c.maps = append(c.maps, outer.maps...)
	return nil
}
