package settings

import (
	"crypto/x509"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/resolve"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/tls/ocsp"
	"github.com/baton-project/baton/internal/zone"
)

// Env is what surrounds the servers of one block.
type Env struct {
	Zones  *zone.Set // nil: each process has ticket keys of its own, and no cache
	Logger *log.Logger
	// Resolver is that of a level, and how long it may take; nil: there is none.
	Resolver func(*conf.Level) (*resolve.Resolver, time.Duration)
}

// Servers is what the servers of one block have in common.
type Servers struct {
	env     Env
	buffers tls.Buffers
	tickets map[time.Duration]*tls.Tickets
	fetcher *ocsp.Fetcher
}

// NewServers returns what the servers of one block share.
func NewServers(env Env) *Servers {
	return &Servers{env: env, tickets: map[time.Duration]*tls.Tickets{}, fetcher: ocsp.NewFetcher(env.Logger)}
}

// Stop ends what is fetched beside handshakes.
func (s *Servers) Stop() { s.fetcher.Stop() }

// Find is the TLS of a server{}, which c is merged for; nil when it has no
// certificate.
func (s *Servers) Find(c *Server, l *conf.Level) (*tls.Server, error) {
	if c.made.done {
		return c.made.server, c.made.err
	}
	c.made.server, c.made.err = s.compile(c, l)
	c.made.done = true
	return c.made.server, c.made.err
}

func (s *Servers) compile(c *Server, l *conf.Level) (*tls.Server, error) {
	if len(c.Certificates) == 0 && !c.Reject.V && c.Verify.V == tls.VerifyOff {
		return nil, nil
	}
	tree := l.Tree()
	o := tls.ServerOptions{Verify: c.Verify.V, Reject: c.Reject.V, RecordSize: int(c.BufferSize.V)}
	o.Protocols = c.Protocols.V
	steps := []func(*conf.Tree, *tls.ServerOptions) error{c.loadCertificates, c.parseLists, c.loadVerifier}
	for _, step := range steps {
		if err := step(tree, &o); err != nil {
			return nil, err
		}
	}
	if err := s.staple(c, l, &o); err != nil {
		return nil, err
	}
	if err := s.checkStatus(c, l, &o); err != nil {
		return nil, err
	}
	if c.Tickets.V {
		var err error
		if o.Tickets, err = s.ticketsOf(c, tree); err != nil {
			return nil, err
		}
	}
	made, err := tls.NewServer(o, &s.buffers)
	if err != nil {
		return nil, l.Directive.Errorf("%v", err)
	}
	return made, nil
}

func (c *Server) loadCertificates(tree *conf.Tree, o *tls.ServerOptions) error {
	if len(c.Keys) < len(c.Certificates) {
		at := c.Certificates[len(c.Keys)]
		return at.Errorf(`no "ssl_certificate_key" is defined for certificate "%s"`, at.Args[0])
	}
	var passwords [][]byte
	if d := c.Passwords.V; d != nil {
		var err error
		if passwords, err = tls.LoadPasswords(tree.ReadFile, tree.ConfName(d.Args[0])); err != nil {
			return d.Errorf(`open() "%s" failed%s`, tree.ConfName(d.Args[0]), conf.Errno(err))
		}
	}
	for i, at := range c.Certificates {
		for _, d := range []*conf.Directive{at, c.Keys[i]} {
			if strings.Contains(d.Args[0], "$") {
				return d.Errorf(`variables in "%s" are not supported`, d.Name)
			}
		}
		made, err := tls.LoadCertificate(tree.ReadFile, tls.FileName(tree.ConfName, at.Args[0]), tls.FileName(tree.ConfName, c.Keys[i].Args[0]), passwords)
		if err != nil {
			return at.Errorf("%v", err)
		}
		o.Certificates = append(o.Certificates, made)
	}
	return nil
}

func (c *Server) parseLists(_ *conf.Tree, o *tls.ServerOptions) (err error) {
	if d := c.Ciphers.V; d != nil {
		if o.Ciphers, err = tls.ParseCiphers(d.Args[0]); err != nil {
			return d.Errorf("%v", err)
		}
	}
	if d := c.Curves.V; d != nil {
		if o.Curves, err = tls.ParseCurves(d.Args[0]); err != nil {
			return d.Errorf("%v", err)
		}
	}
	for _, d := range c.commands {
		if err := o.Command(d.Args[0], d.Args[1]); err != nil {
			return d.Errorf("%v", err)
		}
	}
	return nil
}

func (c *Server) loadVerifier(tree *conf.Tree, o *tls.ServerOptions) (err error) {
	if c.Verify.V == tls.VerifyOff {
		return nil
	}
	if len(c.Certificates) == 0 {
		return nil // handshakes are another server's
	}
	if c.Authorities.V == nil && c.Trusted.V == nil && c.Verify.V != tls.VerifyOptionalNoCA {
		return c.Certificates[0].Errorf("no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client")
	}
	v := tls.Verifier{Depth: c.VerifyDepth.V, Usage: x509.ExtKeyUsageClientAuth}
	if d := c.Authorities.V; d != nil && d.Args[0] != "" {
		if o.Names, err = tls.LoadAuthorities(tree.ReadFile, tree.ConfName(d.Args[0])); err != nil {
			return d.Errorf("%v", err)
		}
		v.Authorities = append(v.Authorities, o.Names...)
	}
	if d := c.Trusted.V; d != nil && d.Args[0] != "" {
		more, err := tls.LoadAuthorities(tree.ReadFile, tree.ConfName(d.Args[0]))
		if err != nil {
			return d.Errorf("%v", err)
		}
		v.Authorities = append(v.Authorities, more...)
	}
	if d := c.CRL.V; d != nil && d.Args[0] != "" {
		if v.Lists, err = tls.LoadLists(tree.ReadFile, tree.ConfName(d.Args[0])); err != nil {
			return d.Errorf("%v", err)
		}
	}
	o.Verifier = tls.NewVerifier(v)
	return nil
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
