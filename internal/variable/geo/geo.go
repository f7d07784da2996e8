package geo

import (
	"net/netip"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/match"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/variable"
)

// A Subject is what geo needs to know of a request or a session.
type Subject interface {
	variable.Subject
	// Peer is the client's address.
	Peer() poll.Sockaddr
}

// A Forwarder is a Subject that may have been passed on by proxies: it appends the
// lines of X-Forwarded-For.
type Forwarder interface {
	ForwardedFor(dst []string) []string
}

// Conf holds the blocks of http{} or stream{} in their order.
type Conf[S Subject] struct {
	blocks []*block[S]
}

// block is one geo, first as it was read and then compiled.
type block[S Subject] struct {
	at     *conf.Directive // Args: variable, or source and variable
	table  *match.Geo
	source *variable.Variable[S] // nil: the client's address
}

// Table lists the directive for context in.
func Table[S Subject](in conf.Context) conf.Table[Conf[S]] {
	return conf.Table[Conf[S]]{
		{Name: "geo", In: in, Args: conf.Take12 | conf.Block, Set: (*Conf[S]).add,
			Syntax: "[$address] $variable { ... }"},
	}
}

func (c *Conf[S]) add(d *conf.Directive) error {
	for _, name := range d.Args {
		if !strings.HasPrefix(name, "$") {
			return d.Errorf("invalid variable name \"%s\"", name)
		}
	}
	var subject S
	_, forwarded := any(subject).(Forwarder)
	table, err := match.ReadGeo(d, forwarded)
	c.blocks = append(c.blocks, &block[S]{at: d, table: table})
	return err
}

// Declare declares the variables.
func (c *Conf[S]) Declare(m variable.Declarer[S]) error {
	for _, b := range c.blocks {
		if err := b.declare(m); err != nil {
			return b.at.Errorf("%v", err)
		}
	}
	return nil
}

func (b *block[S]) declare(m variable.Declarer[S]) error {
	names := b.at.Args
	if len(names) == 2 {
		var err error
		if b.source, err = m.Lookup(b.at, names[0][1:]); err != nil {
			return err
		}
	}
	flags := variable.Changeable | variable.Cacheable
	if b.table.Volatile {
		flags = variable.Changeable
	}
	return m.Variable(names[len(names)-1][1:], b.get, flags)
}

// get is the variable's value for s.
func (b *block[S]) get(s S) (string, bool) { return b.table.Find(b.address(s)), true }

// address is what the value depends on; not valid when there is none.
func (b *block[S]) address(s S) netip.Addr {
	var addr netip.Addr
	if b.source == nil {
		addr = s.Peer().Addr()
	} else {
		text, _ := b.source.Get(s)
		var ok bool
		if addr, ok = match.ParseAddr(text); !ok {
			return addr
		}
	}
	if len(b.table.Proxies) == 0 {
		return addr
	}
	f, forwarded := any(s).(Forwarder)
	if !forwarded {
		return addr
	}
	var room [4]string
	lines := f.ForwardedFor(room[:0])
	return match.Forwarded(addr, lines, b.table.Proxies, b.table.Recursive)
}
