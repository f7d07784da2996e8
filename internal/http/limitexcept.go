package http

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/wire/h1"
)

// exceptConf is the limit_except block of one location. It does not reach into
// the locations inside.
type exceptConf struct {
	spared h1.Method   // the methods that the block is not for
	block  *conf.Level // nil: there is none
}

var exceptFeature = conf.Feature[exceptConf]{
	Name: "http_limit_except",
	Doc:  "What holds for all methods but a few.",
	Table: conf.Table[exceptConf]{
		{Name: "limit_except", In: conf.Location, Args: conf.Block | conf.OneMore, Set: (*exceptConf).enter,
			Syntax: "method ... { ... }"},
	},
}

func (c *exceptConf) enter(d *conf.Directive) (err error) {
	if c.block != nil {
		return conf.ErrDuplicate
	}
	for _, name := range d.Args {
		switch method := h1.MethodNamed(strings.ToUpper(name)); method {
		case h1.MethodOther, h1.TRACE, h1.CONNECT:
			return d.Errorf(`invalid method "%s"`, name)
		default:
			c.spared |= method
		}
	}
	if c.spared&h1.GET != 0 {
		c.spared |= h1.HEAD
	}
	c.block, err = d.Enter(conf.LimitExcept)
	return err
}

// obeyed is l, or the block of its limit_except if that is for r's method.
func (l *Location) obeyed(r *Request) *Location {
	if l.except == nil || r.Method&l.spared != 0 {
		return l
	}
	return l.except
}
