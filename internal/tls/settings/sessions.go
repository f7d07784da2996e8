package settings

import (
	"fmt"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/zone"
)

// minZone is the smallest shared memory that nginx takes: eight pages.
const minZone = 8 * 4 << 10

// A sessionCache is what ssl_session_cache says.
type sessionCache struct {
	at      *conf.Directive
	builtin int64  // sessions; 0: none are kept so
	name    string // of a zone; "": there is none
	size    int64
}

// defaultBuiltin is how many sessions "builtin" keeps without a size, as OpenSSL does.
const defaultBuiltin = 20480

func (s *Server) setCache(d *conf.Directive) error {
	made := &sessionCache{at: d}
	for _, word := range d.Args {
		kind, rest, _ := strings.Cut(word, ":")
		switch {
		case word == "off", word == "none":
			continue
		case word == "builtin":
			made.builtin = defaultBuiltin
			continue
		case kind == "builtin":
			if n, err := conf.ParseNumber(rest); err == nil {
				made.builtin = n
				if n == 0 { // as many as there are
					made.builtin = maxBuiltin
				}
				continue
			}
		case kind == "shared":
			if name, size, ok := sharedZone(word); ok {
				if size < minZone {
					return d.Errorf(`session cache "%s" is too small`, word)
				}
				made.name, made.size = name, size
				continue
			}
		}
		return d.Errorf(`invalid session cache "%s"`, word)
	}
	return s.Cache.Set(made)
}

// resumption is what a server does about sessions: with tickets they are the client's,
// without them they are kept here.
func (s *Servers) resumption(c *Server, tree *conf.Tree, o *tls.ServerOptions) (err error) {
	zone, err := s.sessionZone(c)
	if err != nil {
		return err
	}
	tickets, err := ticketOption(c.commands, c.Tickets.V)
	if err != nil {
		return err
	}
	if tickets {
		o.Tickets, err = s.ticketsOf(c, tree)
	} else if zone != nil {
		o.Sessions = &tls.Sessions{Zone: zone}
	}
	return err
}

const (
	// builtinSession is what a session takes in memory, as a rule.
	builtinSession = 320
	// maxBuiltin is how many sessions a builtin cache keeps at most.
	maxBuiltin = 1 << 20
)

// sessionZone is where sessions of a server are kept, nil for nowhere. OpenSSL's builtin
// cache is a process's own; ours is all workers' too.
func (s *Servers) sessionZone(c *Server) (*zone.Zone, error) {
	cache := c.Cache.V
	if cache == nil || s.env.Zones == nil || cache.name == "" && cache.builtin == 0 {
		return nil, nil
	}
	spec := zone.Spec{Name: cache.name, Tag: "ssl_session_cache " + s.env.Context, Size: cache.size}
	if cache.name == "" {
		n := min(cache.builtin, maxBuiltin)
		spec.Name, spec.Size = fmt.Sprintf("ssl_sessions %s %d", s.env.Context, n), max(n*builtinSession, minZone)
	}
	made, _, err := s.env.Zones.Declare(spec)
	if err != nil {
		return nil, cache.at.Errorf("%v", err)
	}
	return made, nil
}

// ticketsOf are the ticket keys of a server: those of the files that it names, or
// those of the zone.
func (s *Servers) ticketsOf(c *Server, tree *conf.Tree) (*tls.Tickets, error) {
	if len(c.TicketKeys) == 0 {
		return s.sharedTickets(c.Timeout.V)
	}
	made := new(tls.Tickets)
	for _, d := range c.TicketKeys {
		name := tree.ConfName(d.Args[0])
		text, err := tree.ReadFile(name)
		if err != nil {
			return nil, d.Errorf(`open() "%s" failed%s`, name, conf.Errno(err))
		}
		key, ok := tls.TicketKey(text)
		if !ok {
			return nil, d.Errorf(`"%s" must be 48 or 80 bytes`, name)
		}
		made.Fixed = append(made.Fixed, key)
	}
	return made, nil
}

// sharedTickets are the ticket keys of all servers with that ssl_session_timeout.
func (s *Servers) sharedTickets(lifetime time.Duration) (*tls.Tickets, error) {
	if known := s.tickets[lifetime]; known != nil {
		return known, nil
	}
	made := &tls.Tickets{Lifetime: lifetime}
	if s.env.Zones != nil {
		var err error
		spec := zone.Spec{Name: "ssl_tickets " + lifetime.String(), Tag: "ssl_tickets", Size: minZone}
		if made.Zone, _, err = s.env.Zones.Declare(spec); err != nil {
			return nil, err
		}
	}
	s.tickets[lifetime] = made
	return made, nil
}
