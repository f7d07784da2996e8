package upstream

import (
	"fmt"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/zone"
)

// A Set is the upstreams of one http{} or stream{}: those with a block, and those
// that proxy_pass and its like name without one. The zero Set is empty.
//
// While the configuration is read, Block and Refer are called; when all of it is
// known, Compile makes the groups.
type Set struct {
	configs []*Config
}

// All returns the upstreams in the order in which they first stood.
func (s *Set) All() []*Config { return s.configs }

// Env is what Compile needs from around.
type Env struct {
	// Zone declares the zone of a zone directive, or refers to it when the spec
	// has no size. Nil: there is no shared memory, and a zone is an error.
	Zone func(d *conf.Directive, spec zone.Spec) (*zone.Zone, error)
	// Keepalive is how many unused connections a worker keeps of an upstream{}
	// that does not say so itself: nginx's 32 in http{}, none elsewhere.
	Keepalive int
	// Now is the clock; nil: the system's.
	Now func() time.Time
	// Resolver is that of the level around, nil when it has none.
	Resolver Resolver
	// NewResolver makes one from the arguments of a resolver directive.
	NewResolver func(d *conf.Directive, args []string) (Resolver, error)
	// ResolverTimeout is that of the level around; zero: 30 s.
	ResolverTimeout time.Duration
}

// Block reads an upstream{} in context in. attach puts the Config where the
// function that was given to [Table] finds it; it is called before the block is
// read.
func (s *Set) Block(d *conf.Directive, in conf.Context, attach func(*conf.Level, *Config)) error {
	c, err := s.explicit(d)
	if err != nil {
		return err
	}
	_, err = d.Enter(in, func(l *conf.Level) error {
		attach(l, c)
		return nil
	})
	if err != nil {
		return err
	}
	if len(c.Servers) == 0 {
		return d.Errorf("no servers are inside upstream")
	}
	return nil
}

// explicit returns the Config of a block, which may have been referred to
// before.
func (s *Set) explicit(d *conf.Directive) (*Config, error) {
	name := d.Args[0]
	for _, c := range s.configs {
		switch {
		case !strings.EqualFold(c.Name, name):
			continue
		case c.explicit:
			return nil, d.Errorf(`duplicate upstream "%s"`, name)
		case !c.noPort:
			return nil, at(c.At, `upstream "%s" may not have port %d`, name, c.port)
		}
		c.explicit, c.port, c.Servers = true, 0, nil
		return c, nil
	}
	c := &Config{Name: name, At: d, explicit: true, noPort: true}
	s.configs = append(s.configs, c)
	return c, nil
}

// Refer returns the upstream of an address such as proxy_pass has behind
// "http://": the name of an upstream{}, "host", "host:port", "[::1]:port",
// "unix:/path", and in uri what follows: "/path?args", which may be empty. A
// name that is no upstream{} is looked up by Compile.
func (s *Set) Refer(d *conf.Directive, text string, defaultPort uint16) (c *Config, uri string, err error) {
	address, uri := CutURI(text)
	u, err := ParseURL(address, defaultPort)
	if err != nil {
		return nil, "", d.Errorf(`%v in upstream "%s"`, err, text)
	}
	for _, c := range s.configs {
		switch {
		case !strings.EqualFold(c.Name, u.Host):
			continue
		case c.explicit && !u.NoPort && !u.IsUnix():
			return nil, "", d.Errorf(`upstream "%s" may not have port %d`, u.Host, u.Port)
		case c.port != 0 && u.Port != 0 && c.port != u.Port:
			continue
		}
		return c, uri, nil
	}
	c = &Config{Name: u.Host, At: d, port: u.Port, noPort: u.NoPort}
	if len(u.Addresses) == 1 && (u.Port != 0 || u.IsUnix()) {
		c.Servers = []Server{{Name: u.Text, Addresses: u.Addresses}}
	}
	s.configs = append(s.configs, c)
	return c, uri, nil
}

// Find returns the upstream that a URL stands for which was made at run time, as
// in "proxy_pass http://$backend": an upstream{} of that name, or one that
// another directive has with the same port. Nil: there is none, and the URL's own
// addresses count; see [Single].
func (s *Set) Find(u *URL) *Config {
	for _, c := range s.configs {
		if strings.EqualFold(c.Name, u.Host) && (c.port == 0 && u.NoPort || c.port == u.Port) {
			return c
		}
	}
	return nil
}

// at is an error with a place that is not the present one.
func at(d *conf.Directive, format string, args ...any) error {
	return &conf.Error{Msg: fmt.Sprintf(format, args...), File: d.File, Line: d.Line}
}

// UseClock makes now the clock of all groups: that of a reactor costs less than
// the system's. It is called before the first of them is used.
func (s *Set) UseClock(now func() time.Time) {
	for _, c := range s.configs {
		if c.group != nil {
			c.group.now = now
		}
	}
}

// CloseIdle is [Group.CloseIdle] of all groups, for a worker that is to end.
func (s *Set) CloseIdle() {
	for _, c := range s.configs {
		if c.group != nil {
			c.group.CloseIdle()
		}
	}
}
