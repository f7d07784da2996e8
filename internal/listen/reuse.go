package listen

import (
	"slices"

	"github.com/baton-project/baton/internal/log"
)

// A missing socket is one that has to be opened.
type missing struct {
	spec Spec
	join bool // beside a socket that listens on the same address, or overlaps
}

// reuse takes over the sockets that are there, and returns those that are not.
func (s *Set) reuse(c Config) []missing {
	var there []*socket
	if c.Old != nil {
		there = slices.Clone(c.Old.sockets)
	}
	for _, o := range c.Inherited {
		if inherited, ok := inherit(o, c.Log); ok {
			there = append(there, inherited)
			s.unused = append(s.unused, inherited)
		}
	}
	byAddress := make(map[Address][]*socket)
	for _, found := range there {
		byAddress[found.address] = append(byAddress[found.address], found)
	}
	wanted := make(map[Address]bool)
	for _, w := range c.Want {
		wanted[w.Address] = true
	}
	each := s.spreadOf(c.Want)
	leaving := slices.DeleteFunc(there, func(o *socket) bool { return wanted[o.address] })
	var lacking []missing
	for _, w := range c.Want {
		n, join := s.reuseOne(w, byAddress[w.Address], each)
		if n > 0 && s.joinOverlapping(w.Address, leaving) {
			join = true
		}
		for ; n > 0; n-- {
			lacking = append(lacking, missing{w, join})
		}
	}
	return lacking
}

// reuseOne takes over all sockets of one address, more than wanted if there are
// more: each has its own queue of connections, which closing it would lose. It
// returns how many have to be opened, and whether beside others. each is how many an
// address for datagrams has.
func (s *Set) reuseOne(w Spec, there []*socket, each int) (lacking int, join bool) {
	lacking = 1
	if w.Options.ReusePort {
		lacking = s.workers
	}
	if w.Address.datagram {
		lacking = each
		if slices.ContainsFunc(there, func(o *socket) bool { return o.options.ReusePort }) {
			lacking = 0 // see datagram.go
			if len(there) < s.workers {
				s.log.Logf(log.Warn, 0, "%s has %d sockets: other workers get nothing from there until a restart", w.Address, len(there))
			}
		}
	}
	for _, found := range there {
		sameProtocol := found.options.Multipath == w.Options.Multipath
		if sameProtocol {
			s.takeOver(found, w.Options)
			lacking--
		} else {
			join = true
		}
		if !found.options.ReusePort && (w.Options.ReusePort || !sameProtocol) {
			s.join(found)
		}
	}
	return max(lacking, 0), join
}

// joinOverlapping is for the change from 127.0.0.1:80 to *:80, or back: the
// kernel lets the new socket be bound beside the one that is about to leave
// only if both have SO_REUSEPORT. (nginx cannot do this without a restart.)
func (s *Set) joinOverlapping(a Address, leaving []*socket) (join bool) {
	for _, o := range leaving {
		if !a.overlaps(o.address) {
			continue
		}
		join = true
		if !o.options.ReusePort && !slices.Contains(s.joined, o) {
			s.join(o)
		}
	}
	return join
}

func (s *Set) takeOver(found *socket, o Options) {
	s.sockets = append(s.sockets, found)
	s.reused[found] = o
	if i := slices.Index(s.unused, found); i >= 0 {
		s.unused = slices.Delete(s.unused, i, i+1)
		s.own = append(s.own, found)
	}
}

// join lets new sockets be bound beside one that listens.
func (s *Set) join(found *socket) {
	if found.setReusePort(true, s.log) {
		s.joined = append(s.joined, found)
	}
}
