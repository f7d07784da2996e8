package maps

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/match"
	"github.com/baton-project/baton/internal/variable"
)

// Conf holds the blocks of http{} or stream{} in their order.
type Conf[S variable.Subject] struct {
	blocks     []*block[S]
	hashMax    conf.Setting[int]
	hashBucket conf.Setting[int]
}

// block is one map, first as it was read and then compiled.
type block[S variable.Subject] struct {
	at      *conf.Directive // Args: source, variable
	table   *match.Map
	regexes []*variable.Regex[S] // of table.Patterns
	source  *variable.Value[S]
	values  []*variable.Value[S] // of table.Values
}

const noHashTables = "the tables here need no sizes"

// Table lists the directives for context in.
func Table[S variable.Subject](in conf.Context) conf.Table[Conf[S]] {
	return conf.Table[Conf[S]]{
		{Name: "map", In: in, Args: conf.Take2 | conf.Block, Variables: conf.Arg(0), Set: (*Conf[S]).add,
			Syntax: "string $variable { ... }"},
		{Name: "map_hash_max_size", In: in, Args: conf.Take1, Accepted: noHashTables,
			Set:    conf.Num(func(c *Conf[S]) *conf.Setting[int] { return &c.hashMax }),
			Syntax: "size", Default: "2048"},
		{Name: "map_hash_bucket_size", In: in, Args: conf.Take1, Accepted: noHashTables,
			Set:    conf.Num(func(c *Conf[S]) *conf.Setting[int] { return &c.hashBucket }),
			Syntax: "size", Default: "64"},
	}
}

func (c *Conf[S]) add(d *conf.Directive) error {
	if !strings.HasPrefix(d.Args[1], "$") {
		return d.Errorf("invalid variable name \"%s\"", d.Args[1])
	}
	b := &block[S]{at: d}
	var err error
	b.table, err = match.ReadMap(d, func(p match.Pattern) error {
		regex, err := variable.CompileRegex[S](p.At, p.Text, p.Fold)
		b.regexes = append(b.regexes, regex)
		return err
	})
	c.blocks = append(c.blocks, b)
	return err
}

// Declare declares the variables.
func (c *Conf[S]) Declare(m variable.Declarer[S]) error {
	for _, b := range c.blocks {
		if err := b.declare(m); err != nil {
			return err
		}
	}
	return nil
}

func (b *block[S]) declare(m variable.Declarer[S]) error {
	var err error
	if b.source, err = m.Compile(b.at, b.at.Args[0]); err != nil {
		return err
	}
	flags := variable.Changeable | variable.Cacheable
	if b.table.Volatile {
		flags = variable.Changeable
	}
	if err := m.Variable(b.at.Args[1][1:], b.get, flags); err != nil {
		return b.at.Errorf("%v", err)
	}
	for _, text := range b.table.Values {
		value, err := m.Compile(text.At, text.Text)
		if err != nil {
			return err
		}
		b.values = append(b.values, value)
	}
	for i, regex := range b.regexes {
		if err := regex.Bind(m); err != nil {
			return b.table.Patterns[i].At.Errorf("%v", err)
		}
	}
	return nil
}

// get is the variable's value for s.
func (b *block[S]) get(s S) (string, bool) {
	index := b.find(s, b.table.Key(b.source.Eval(s)))
	if index < 0 {
		return "", true
	}
	return b.values[index].Eval(s), true
}

// find returns the index of the value for key, -1 for none.
func (b *block[S]) find(s S, key string) int {
	if index, ok := b.table.Names.Find(key); ok {
		return index
	}
	if key != "" {
		for i, regex := range b.regexes {
			if regex.Match(s, key) {
				return b.table.Patterns[i].Value
			}
		}
	}
	return b.table.Default
}
