package limitrate

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf is how fast one level answers.
type Conf struct {
	Rate  conf.Setting[*conf.Directive] // its argument may have variables; nil: no limit
	After conf.Setting[*conf.Directive] // bytes that are not slowed down
}

const levels = conf.AnyLevel | conf.LocationIf

// Feature joins the server by its line in internal/modules, behind all other
// filters: it counts what the client gets.
var Feature = http.Feature[Conf]{
	Name: "limit_rate",
	Doc:  "slows answers down",
	Directives: conf.Table[Conf]{
		{Name: "limit_rate", In: levels, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "rate", Default: "0",
			Set: func(c *Conf, d *conf.Directive) error { return setSize(&c.Rate, d) }},
		{Name: "limit_rate_after", In: levels, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "size", Default: "0",
			Set: func(c *Conf, d *conf.Directive) error { return setSize(&c.After, d) }},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

// setSize keeps a size with variables in it for later, and checks another now.
func setSize(s *conf.Setting[*conf.Directive], d *conf.Directive) error {
	if s.IsSet() {
		return conf.ErrDuplicate
	}
	if strings.IndexByte(d.Args[0], '$') < 0 {
		if _, err := conf.ParseSize(d.Args[0]); err != nil {
			return err
		}
	}
	return s.Set(d)
}

func (c *Conf) merge(outer *Conf) error {
	c.Rate.Inherit(outer.Rate, nil)
	c.After.Inherit(outer.After, nil)
	return nil
}
