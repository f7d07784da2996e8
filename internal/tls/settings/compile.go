package settings

import (
	"crypto/x509"
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
	// Context keeps sessions apart: "HTTP" is that of http{}.
	Context string
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
	var want madeFor
	if s.env.Resolver != nil && (c.Stapling.V != nil || c.OCSP.V != OCSPOff) {
		want.resolver, want.timeout = s.env.Resolver(l)
	}
	for _, known := range c.made.all {
		if known.resolver == want.resolver && known.timeout == want.timeout {
			return known.server, known.err
		}
	}
	want.server, want.err = s.compile(c, l)
	c.made.all = append(c.made.all, want)
	return want.server, want.err
}

func (s *Servers) compile(c *Server, l *conf.Level) (*tls.Server, error) {
	if len(c.Certificates) == 0 && !c.Reject.V && c.Verify.V == tls.VerifyOff {
		return nil, nil
	}
	tree := l.Tree()
	o := tls.ServerOptions{Verify: c.Verify.V, Reject: c.Reject.V, RecordSize: int(c.BufferSize.V), Timeout: c.Timeout.V,
		Context: s.env.Context, PreferServer: c.preferServer.V}
	o.Protocols = c.Protocols.V
	steps := []func(*conf.Tree, *tls.ServerOptions) error{c.parseLists, c.loadCertificates, c.loadVerifier}
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
	if err := s.resumption(c, tree, &o); err != nil {
		return nil, err
	}
	made, err := tls.NewServer(o, &s.buffers)
	if err != nil {
		return nil, l.Directive.Errorf("%v", err)
	}
	return made, nil
}

func (c *Server) loadCertificates(tree *conf.Tree, o *tls.ServerOptions) error {
	if len(c.Keys) < len(c.Certificates) {
		at := c.Certificates[len(c.Certificates)-1]
		return at.Errorf(`no "ssl_certificate_key" is defined for certificate "%s"`, at.Args[0])
	}
	passwords, err := loadPasswords(tree, c.Passwords.V)
	if err != nil {
		return err
	}
	replaced, err := runCommands(tree, c.commands, passwords, &o.ClientOptions)
	if err != nil {
		return err
	}
	if c.named != nil && len(replaced) > 0 {
		return c.Certificates[0].Errorf(`variables in "ssl_certificate" besides "Certificate" in "ssl_conf_command" are not supported`)
	}
	if c.named != nil {
		o.Named = &tls.Named{Pairs: c.named, Loader: tls.Loader{Absolute: tree.ConfName, Passwords: passwords, Cache: c.CertificateCache.V}}
		return nil
	}
	for i, at := range c.Certificates {
		made, err := loadPair(tree, at.Args[0], c.Keys[i].Args[0], passwords)
		if err != nil {
			return at.Errorf("%v", err)
		}
		o.Certificates = append(o.Certificates, made)
	}
	o.Certificates = replace(o.Certificates, replaced)
	return nil
}

func (c *Server) parseLists(tree *conf.Tree, o *tls.ServerOptions) (err error) {
	if d := c.dhparam.V; d != nil && d.Args[0] != "" {
		if err := tls.CheckParameters(tree.ReadFile, tree.ConfName(d.Args[0])); err != nil {
			return d.Errorf("%v", err)
		}
	}
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
