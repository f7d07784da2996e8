// Package set is nginx's stream set module: it gives variables values.
//
//	server {
//		listen 12345;
//		set $backend "$server_port";
//	}
//
// See ngx_stream_set_module in nginx's manual.
package set

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/variable"
)

// Conf is the set directives of one server.
type Conf struct {
	sets []assignment
}

// assignment is one set directive.
type assignment struct {
	at       *conf.Directive // Args: "$name", value
	variable *stream.Variable
	value    *stream.Value
}

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[Conf]{
	Name: "set",
	Doc:  "gives variables values",
	Directives: conf.Table[Conf]{
		{Name: "set", In: conf.StreamServer, Args: conf.Take2, Variables: conf.Arg(1), Set: (*Conf).add, Syntax: "$variable value"},
	},
	Declare: (*Conf).declare,
	Install: func(c *Conf, b *stream.Builder) error {
		if len(c.sets) > 0 {
			b.Phase(stream.Preaccess, c.assign)
		}
		return nil
	},
}

func (c *Conf) add(d *conf.Directive) error {
	if !strings.HasPrefix(d.Args[0], "$") || len(d.Args[0]) < 2 {
		return d.Errorf(`invalid variable name "%s"`, d.Args[0])
	}
	c.sets = append(c.sets, assignment{at: d})
	return nil
}

func (c *Conf) declare(m *stream.MainBuilder) (err error) {
	for i := range c.sets {
		s := &c.sets[i]
		if s.variable, err = m.SettableOr(s.at.Args[0][1:], variable.Missing[*stream.Session]); err != nil {
			return s.at.Errorf("%v", err)
		}
		if s.value, err = m.Compile(s.at, s.at.Args[1]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Conf) assign(s *stream.Session) stream.Result {
	for i := range c.sets {
		c.sets[i].variable.Set(s, c.sets[i].value.Eval(s))
	}
	return stream.Declined
}
