package listen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/baton-project/baton/fd"
)

// namePrefix starts the name of a listening socket; its address follows, behind
// datagramPrefix for datagrams.
const (
	namePrefix     = "listen "
	datagramPrefix = "udp "
)

// Named is a listening socket on its way to a worker or to another master.
type Named struct {
	// Name is "listen 127.0.0.1:80", "listen udp 127.0.0.1:53", and for a copy
	// (reuseport) "listen 127.0.0.1:80 #2".
	Name string
	FD   *fd.Owned
}

// all lends every socket under its name, in a stable order.
func (s *Set) all() []Named {
	lent := make([]Named, 0, len(s.sockets))
	copies := make(map[Address]int)
	for _, o := range s.sockets {
		copies[o.address]++
		name := namePrefix
		if o.address.datagram {
			name += datagramPrefix
		}
		name += o.address.String()
		if n := copies[o.address]; n > 1 {
			name += " #" + strconv.Itoa(n)
		}
		lent = append(lent, Named{name, o.fd})
	}
	return lent
}

// Listeners lends every socket, in the order of the configuration.
func (s *Set) Listeners() []Named { return s.all() }

// Handout lends what worker slot (from 0) accepts from. Sockets of a reuseport
// address are dealt out, so that each belongs to one worker and none to nobody;
// all others go to everybody.
func (s *Set) Handout(slot int) []Named {
	var lent []Named
	copies := make(map[Address]int)
	for i, n := range s.all() {
		o := s.sockets[i]
		number := copies[o.address]
		copies[o.address]++
		if !s.dealt(o) || number%s.workers == slot {
			lent = append(lent, n)
		}
	}
	return lent
}

// dealt reports whether o belongs to one worker. Before Commit the options that
// it will have decide.
func (s *Set) dealt(o *socket) bool {
	if options, ok := s.reused[o]; ok {
		return options.ReusePort
	}
	return o.options.ReusePort
}

// Adopt makes a worker's set: it takes over those of files that [Set.Handout]
// named and leaves the others alone. On failure it has closed what it took.
func Adopt(files []Named) (*Set, error) {
	s := &Set{workers: 1}
	var failed error
	for _, n := range files {
		text, ok := strings.CutPrefix(n.Name, namePrefix)
		if !ok {
			continue
		}
		address, err := parseName(text)
		if err != nil {
			failed = fmt.Errorf("listening socket \"%s\": %w", n.Name, err)
		}
		s.sockets = append(s.sockets, &socket{address: address, fd: n.FD})
	}
	if failed != nil {
		s.Close(false)
		return nil, failed
	}
	return s, nil
}

// parseName reads an address with the number of a copy behind it.
func parseName(text string) (Address, error) {
	if text, ok := strings.CutPrefix(text, datagramPrefix); ok {
		text, _, _ = strings.Cut(text, " #")
		a, err := ParseAddress(text)
		if err == nil && a.path != "" {
			return Address{}, fmt.Errorf("invalid address \"%s\"", text)
		}
		a.datagram = true
		return a, err
	}
	if !strings.HasPrefix(text, "unix:") { // which has no copies, and any path
		text, _, _ = strings.Cut(text, " #")
	}
	return ParseAddress(text)
}

// Sockets lends the sockets of one address; none if it is not listened on.
func (s *Set) Sockets(a Address) []*fd.Owned {
	var lent []*fd.Owned
	for _, o := range s.sockets {
		if o.address == a {
			lent = append(lent, o.fd)
		}
	}
	return lent
}

// Take is Sockets for datagram sockets, which leave the set: their reader closes
// them when nobody needs them any more.
func (s *Set) Take(a Address) []*fd.Owned {
	var taken []*fd.Owned
	s.sockets = slices.DeleteFunc(s.sockets, func(o *socket) bool {
		if o.address == a {
			taken = append(taken, o.fd)
		}
		return o.address == a
	})
	return taken
}
