package resolve

import (
	"time"

	"github.com/baton-project/baton/internal/conf"
)

// Conf is what one level of the configuration says about resolving.
type Conf struct {
	Config  *Config // nil: there is no resolver
	Timeout conf.Setting[time.Duration]
	own     bool // Config is of this level
}

// Table is the directives of nginx's core modules about resolving, in the context
// in. of finds the Conf in a level's configuration.
func Table[C any](in conf.Context, of func(*C) *Conf) conf.Table[C] {
	return conf.Table[C]{
		{Name: "resolver", In: in, Args: conf.OneMore, Syntax: "address ... [valid=time] [ipv4=on|off] [ipv6=on|off]",
			Set: func(c *C, d *conf.Directive) error { return of(c).set(d) }},
		{Name: "resolver_timeout", In: in, Args: conf.Take1, Syntax: "time", Default: "30s",
			Set: conf.Msec(func(c *C) *conf.Setting[time.Duration] { return &of(c).Timeout })},
	}
}

func (c *Conf) set(d *conf.Directive) (err error) {
	if c.own {
		return conf.ErrDuplicate
	}
	c.own = true
	c.Config, err = Parse(d, d.Args)
	return err
}

// Merge fills what this level left unset.
func (c *Conf) Merge(outer *Conf) {
	if !c.own {
		c.Config = outer.Config
	}
	c.Timeout.Inherit(outer.Timeout, 30*time.Second)
}
