package listen

import (
	"fmt"
	"slices"
)

// Protocol is a set of protocols that a listen directive asks for on a
// connection.
type Protocol uint8

// The bits of [Protocol].
const (
	ProxyProtocol Protocol = 1 << iota
	SSL
	HTTP2
)

// Ports collects the listen directives of all servers; S stands for a server.
// The zero value is empty. It is built by one goroutine.
type Ports[S comparable] struct {
	ports []*port[S]
	index map[portKey]*port[S]
}

type portKey struct {
	family, kind int
	port         uint16
}

// A port is all sites on one port of one family and type, in the order of the
// configuration; all unix sockets are on port 0.
type port[S comparable] struct {
	sites []*Site[S]
	index map[Address]*Site[S]
}

// A Site is one address with the servers that listen on it.
type Site[S comparable] struct {
	Address   Address
	Options   Options
	Servers   []S // in the order of the configuration
	Default   S   // for requests that name none of them
	Protocols Protocol

	byDefault bool           // Default was named by a default_server
	options   protocolsState // for the warning
}

// protocolsState is what nginx remembers to warn of servers that share an
// address and disagree about its protocols.
type protocolsState struct {
	protocols    Protocol // as the last directive had them
	set, changed bool
}

// Add notes that server listens as d says; byDefault is default_server. The
// error is nginx's sentence, and so is a non-empty warning, of which there is
// at most one.
func (p *Ports[S]) Add(server S, d *Directive, byDefault bool, protocols Protocol) (warning string, err error) {
	for _, a := range d.Addresses {
		on := p.on(a)
		site := on.index[a]
		if site == nil {
			site = &Site[S]{Address: a, Options: d.Options, Servers: []S{server}, Default: server,
				Protocols: protocols, byDefault: byDefault}
			on.sites = append(on.sites, site)
			on.index[a] = site
			continue
		}
		redefined, err := site.add(server, d.Options, byDefault, protocols)
		if err != nil {
			return "", err
		}
		if redefined {
			warning = fmt.Sprintf("protocol options redefined for %s", a)
		}
	}
	return warning, nil
}

func (p *Ports[S]) on(a Address) *port[S] {
	key := portKey{a.family(), a.kind(), a.ip.Port()}
	on := p.index[key]
	if on == nil {
		if p.index == nil {
			p.index = make(map[portKey]*port[S])
		}
		on = &port[S]{index: make(map[Address]*Site[S])}
		p.index[key] = on
		p.ports = append(p.ports, on)
	}
	return on
}

// add is for the second and each further directive of an address.
func (s *Site[S]) add(server S, o Options, byDefault bool, protocols Protocol) (redefined bool, err error) {
	if slices.Contains(s.Servers, server) {
		return false, fmt.Errorf("a duplicate listen %s", s.Address)
	}
	wasSet := s.Options.Set
	if o.Set && wasSet {
		return false, fmt.Errorf("duplicate listen options for %s", s.Address)
	}
	if byDefault && s.byDefault {
		return false, fmt.Errorf("a duplicate default server for %s", s.Address)
	}
	s.Servers = append(s.Servers, server)
	if o.Set {
		s.Options = o
	}
	if byDefault {
		s.Default, s.byDefault = server, true
	}
	redefined = s.options.note(s.Protocols, protocols, s.Options.Set, o.Set)
	s.Protocols |= protocols
	return redefined, nil
}

// note compares the protocols of one more directive, now, with those that the
// address had before. siteSet and nowSet tell whether socket options stand in
// any directive of the address and in this one.
func (p *protocolsState) note(before, now Protocol, siteSet, nowSet bool) (redefined bool) {
	switch both := before | now; {
	case both != before: // some were added
		redefined = siteSet && !nowSet || p.changed || both != now
		p.protocols, p.changed = before, true
	case both != now: // some are missing
		redefined = nowSet || p.set && now != p.protocols
		p.protocols, p.changed = now, true
	default:
		redefined = nowSet && p.changed || p.set && now != p.protocols
		p.protocols = now
	}
	p.set = true
	return redefined
}

// A Group is one socket to open (or one per worker), and whom it serves.
type Group[S comparable] struct {
	Spec Spec
	// Sites are the addresses that the socket serves; the last one is its own
	// and serves whatever the others do not name. When there are more than one,
	// getsockname tells which.
	Sites []*Site[S]
}

// Groups returns the sockets to open: an address beside a wildcard on the same
// port needs none of its own, unless its directive says bind or sets an option.
func (p *Ports[S]) Groups() []Group[S] {
	var groups []Group[S]
	for _, on := range p.ports {
		var wildcard *Site[S]
		var shared []*Site[S] // served by the wildcard's socket
		own := slices.Clone(on.sites)
		if i := slices.IndexFunc(own, func(s *Site[S]) bool { return s.Address.Wildcard() }); i >= 0 {
			wildcard = own[i]
			own = slices.Delete(own, i, i+1)
			shared = slices.DeleteFunc(slices.Clone(own), func(s *Site[S]) bool { return s.Options.Bind })
		}
		slices.SortStableFunc(own, bindFirst)
		for _, s := range own {
			if wildcard == nil || s.Options.Bind {
				groups = append(groups, Group[S]{s.spec(), []*Site[S]{s}})
			}
		}
		if wildcard != nil {
			groups = append(groups, Group[S]{wildcard.spec(), append(shared, wildcard)})
		}
	}
	return groups
}

func bindFirst[S comparable](a, b *Site[S]) int {
	switch {
	case a.Options.Bind == b.Options.Bind:
		return 0
	case a.Options.Bind:
		return -1
	}
	return 1
}

func (s *Site[S]) spec() Spec { return Spec{Address: s.Address, Options: s.Options} }

// Site finds the site of a connection by its local address.
func (g *Group[S]) Site(local Address) *Site[S] {
	last := len(g.Sites) - 1
	for _, s := range g.Sites[:last] {
		if s.Address == local {
			return s
		}
	}
	return g.Sites[last]
}
