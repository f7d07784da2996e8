package splitclients

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/match"
	"github.com/baton-project/baton/internal/variable"
)

// Conf holds the blocks of http{} or stream{} in their order.
type Conf[S variable.Subject] struct {
	blocks []*block[S]
}

// block is one split_clients, first as it was read and then compiled.
type block[S variable.Subject] struct {
	at     *conf.Directive // Args: source, variable
	shares *match.Split
	source *variable.Value[S]
}

// Table lists the directive for context in.
func Table[S variable.Subject](in conf.Context) conf.Table[Conf[S]] {
	return conf.Table[Conf[S]]{
		{Name: "split_clients", In: in, Args: conf.Take2 | conf.Block, Variables: conf.Arg(0), Set: (*Conf[S]).add,
			Syntax: "string $variable { ... }"},
	}
}

func (c *Conf[S]) add(d *conf.Directive) error {
	if !strings.HasPrefix(d.Args[1], "$") {
		return d.Errorf("invalid variable name \"%s\"", d.Args[1])
	}
	shares, err := match.ReadSplit(d)
	c.blocks = append(c.blocks, &block[S]{at: d, shares: shares})
	return err
}

// Declare declares the variables.
func (c *Conf[S]) Declare(m variable.Declarer[S]) error {
	for _, b := range c.blocks {
		var err error
		if b.source, err = m.Compile(b.at, b.at.Args[0]); err != nil {
			return err
		}
		if err := m.Variable(b.at.Args[1][1:], b.get, variable.Changeable|variable.Cacheable); err != nil {
			return b.at.Errorf("%v", err)
		}
	}
	return nil
}

// get is the variable's value for s.
func (b *block[S]) get(s S) (string, bool) { return b.shares.Find(b.source.Eval(s)), true }
