package access

import (
	"github.com/baton-project/baton/internal/cidr"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/match"
)

// Conf is the rules of one level.
type Conf struct {
	rules *cidr.Rules // nil: those of the enclosing level
}

const places = conf.AnyLevel | conf.LimitExcept

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "access",
	Doc:  "lets clients in or not by their address",
	Directives: conf.Table[Conf]{
		{Name: "allow", In: places, Args: conf.Take1, Set: (*Conf).allow, Syntax: "address | CIDR | unix: | all"},
		{Name: "deny", In: places, Args: conf.Take1, Set: (*Conf).deny, Syntax: "address | CIDR | unix: | all"},
	},
	Merge: func(c, outer *Conf) error {
		if c.rules == nil {
			c.rules = outer.rules
		}
		return nil
	},
	Install: func(c *Conf, b *http.Builder) error {
		if c.rules != nil {
			b.Phase(http.Access, c.check)
		}
		return nil
	},
}

func (c *Conf) allow(d *conf.Directive) error { return c.add(d, cidr.Allowed) }

func (c *Conf) deny(d *conf.Directive) error { return c.add(d, cidr.Denied) }

func (c *Conf) add(d *conf.Directive, v cidr.Verdict) error {
	if c.rules == nil {
		c.rules = new(cidr.Rules)
	}
	return match.AddRule(c.rules, d, v)
}

// check is the access handler. With "satisfy any" it is the core that says in
// the end who was refused.
func (c *Conf) check(r *http.Request) http.Result {
	switch c.rules.Of(r.Peer().Addr()) {
	case cidr.Allowed:
		return http.OK
	case cidr.Denied:
		if !r.SatisfyAny() {
			r.Logf(log.Error, "access forbidden by rule")
		}
		return 403
	}
	return http.Declined
}
