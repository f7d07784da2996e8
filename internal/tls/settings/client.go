package settings

import (
	"crypto/x509"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/tls"
)

// A Client is how TLS is spoken with upstreams: the directives "proxy_ssl_*" and their
// like. See ClientTable and Merge.
type Client struct {
	Certificate  conf.Setting[*conf.Directive]
	Key          conf.Setting[*conf.Directive]
	Passwords    conf.Setting[*conf.Directive]
	Cache        conf.Setting[*tls.CertificateCache]
	Trusted      conf.Setting[*conf.Directive]
	CRL          conf.Setting[*conf.Directive]
	Ciphers      conf.Setting[*conf.Directive]
	Protocols    conf.Setting[tls.Protocols]
	Name         conf.Setting[*conf.Directive]
	ServerName   conf.Setting[bool]
	Verify       conf.Setting[bool]
	VerifyDepth  conf.Setting[int]
	SessionReuse conf.Setting[bool]
	confCommands []*conf.Directive
	prefix       string
	made         *madeClient // shared by levels that say the same
}

// madeClient is what an SSL compiles to.
type madeClient struct{ client *tls.Client }

// ClientTable lists the directives of a Client with a module's prefix, such as "proxy_".
func ClientTable[C any](prefix string, in conf.Context, at func(*C) *Client) conf.Table[C] {
	file := func(field func(*Client) *conf.Setting[*conf.Directive]) func(*C, *conf.Directive) error {
		return func(c *C, d *conf.Directive) error { return field(at(c)).Set(d) }
	}
	flag := func(field func(*Client) *conf.Setting[bool]) func(*C, *conf.Directive) error {
		return conf.OnOff(func(c *C) *conf.Setting[bool] { return field(at(c)) })
	}
	table := conf.Table[C]{
		{Name: "certificate", Variables: conf.Arg(0), Syntax: "file", Set: file(func(s *Client) *conf.Setting[*conf.Directive] { return &s.Certificate })},
		{Name: "certificate_key", Variables: conf.Arg(0), Syntax: "file", Set: file(func(s *Client) *conf.Setting[*conf.Directive] { return &s.Key })},
		{Name: "password_file", Syntax: "file", Set: file(func(s *Client) *conf.Setting[*conf.Directive] { return &s.Passwords })},
		{Name: "trusted_certificate", Syntax: "file", Set: file(func(s *Client) *conf.Setting[*conf.Directive] { return &s.Trusted })},
		{Name: "crl", Syntax: "file", Set: file(func(s *Client) *conf.Setting[*conf.Directive] { return &s.CRL })},
		{Name: "ciphers", Syntax: "ciphers", Default: "DEFAULT", Set: file(func(s *Client) *conf.Setting[*conf.Directive] { return &s.Ciphers })},
		{Name: "name", Variables: conf.Arg(0), Syntax: "name", Default: "host from " + prefix + "pass", Set: file(func(s *Client) *conf.Setting[*conf.Directive] { return &s.Name })},
		{Name: "server_name", Args: conf.Flag, Default: "off", Set: flag(func(s *Client) *conf.Setting[bool] { return &s.ServerName })},
		{Name: "verify", Args: conf.Flag, Default: "off", Set: flag(func(s *Client) *conf.Setting[bool] { return &s.Verify })},
		{Name: "session_reuse", Args: conf.Flag, Default: "on", Set: flag(func(s *Client) *conf.Setting[bool] { return &s.SessionReuse })},
		{Name: "verify_depth", Syntax: "number", Default: "1", Set: conf.Num(func(c *C) *conf.Setting[int] { return &at(c).VerifyDepth })},
		{Name: "protocols", Args: conf.OneMore, Syntax: "[SSLv2] [SSLv3] [TLSv1] [TLSv1.1] [TLSv1.2] [TLSv1.3]", Default: "TLSv1.2 TLSv1.3",
			Set: func(c *C, d *conf.Directive) error { return at(c).setProtocols(d) }},
		{Name: "conf_command", Args: conf.Take2, Syntax: "name value",
			Set: func(c *C, d *conf.Directive) error { return at(c).addCommand(d) }},
		{Name: "certificate_cache", Args: conf.Take123, Syntax: "off | max=N [inactive=time] [valid=time]", Default: "off",
			Set: func(c *C, d *conf.Directive) error { return setCertificateCache(&at(c).Cache, d) }},
		{Name: "key_log", Syntax: "path", Set: func(_ *C, d *conf.Directive) error { return d.Errorf(`"%s" is not supported`, d.Name) }},
	}
	for i := range table {
		e := &table[i]
		e.Name, e.In = prefix+"ssl_"+e.Name, in
		if e.Args == 0 {
			e.Args = conf.Take1
		}
		if e.Args == conf.Flag {
			e.Syntax = "on | off"
		}
	}
	return table
}

func (s *Client) setProtocols(d *conf.Directive) error {
	sum := s.Protocols.V
	for _, word := range d.Args {
		p := tls.Protocol(word)
		if p == 0 {
			return d.Errorf(`invalid value "%s"`, word)
		}
		if sum&p != 0 {
			d.Warnf(`duplicate value "%s"`, word)
		}
		sum |= p
	}
	s.Protocols = conf.Setting[tls.Protocols]{} // it may stand more than once, and adds up
	return s.Protocols.Set(sum)
}

func (s *Client) addCommand(d *conf.Directive) error {
	return addTo(&s.confCommands, d, false)
}

// Merge fills what s left unset from the enclosing level's outer. prefix is that of
// the module's directives.
func (s *Client) Merge(prefix string, outer *Client) error {
	own := s.Certificate.IsSet() || s.Key.IsSet() || s.Passwords.IsSet() || s.Trusted.IsSet() || s.CRL.IsSet() ||
		s.Ciphers.IsSet() || s.Protocols.IsSet() || s.Verify.IsSet() || s.VerifyDepth.IsSet() || s.Cache.IsSet() || s.SessionReuse.IsSet() || s.confCommands != nil
	s.prefix, s.made = prefix, outer.made
	if own || s.made == nil {
		s.made = new(madeClient)
	}
	s.Certificate.Inherit(outer.Certificate, nil)
	s.Key.Inherit(outer.Key, nil)
	s.Passwords.Inherit(outer.Passwords, nil)
	s.Cache.Inherit(outer.Cache, nil)
	s.Trusted.Inherit(outer.Trusted, nil)
	s.CRL.Inherit(outer.CRL, nil)
	s.Ciphers.Inherit(outer.Ciphers, nil)
	s.Protocols.Inherit(outer.Protocols, tls.DefaultProtocols)
	s.Name.Inherit(outer.Name, nil)
	s.ServerName.Inherit(outer.ServerName, false)
	s.Verify.Inherit(outer.Verify, false)
	s.VerifyDepth.Inherit(outer.VerifyDepth, 1)
	s.SessionReuse.Inherit(outer.SessionReuse, true)
	if s.confCommands == nil {
		s.confCommands = outer.confCommands
	}
	return nil
}

// Named reports whether the certificate is known only when a connection is there: its
// name, or that of its key, has variables. [tls.Target] has both then.
func (s *Client) Named() bool {
	at, key := s.Certificate.V, s.Key.V
	return at != nil && at.Args[0] != "" && (hasVariables(at) || key != nil && hasVariables(key))
}

// Compile makes the client for level l.
func (s *Client) Compile(l *conf.Level) (*tls.Client, error) {
	if s.made.client != nil {
		return s.made.client, nil
	}
	tree := l.Tree()
	o := tls.ClientOptions{Protocols: s.Protocols.V, Reuse: s.SessionReuse.V}
	if d := s.Ciphers.V; d != nil {
		list, err := tls.ParseCiphers(d.Args[0])
		if err != nil {
			return nil, d.Errorf("%v", err)
		}
		o.Ciphers = list
	}
	passwords, err := loadPasswords(tree, s.Passwords.V)
	if err != nil {
		return nil, err
	}
	if err := s.loadCertificate(tree, passwords, &o); err != nil {
		return nil, err
	}
	named, err := runCommands(tree, s.confCommands, passwords, &o)
	if err != nil {
		return nil, err
	}
	if len(named) > 0 {
		o.Certificate, o.Loader = &named[len(named)-1], nil
	}
	if s.Verify.V {
		if s.Trusted.V == nil {
			return nil, l.Directive.Errorf(`no %sssl_trusted_certificate for %sssl_verify`, s.prefix, s.prefix)
		}
		if err := s.loadVerifier(tree, &o); err != nil {
			return nil, err
		}
	}
	client, err := tls.NewClient(o)
	if err != nil {
		return nil, l.Directive.Errorf("%v", err)
	}
	s.made.client = client
	return client, nil
}

func (s *Client) loadCertificate(tree *conf.Tree, passwords [][]byte, o *tls.ClientOptions) error {
	at, key := s.Certificate.V, s.Key.V
	if at == nil || at.Args[0] == "" {
		return nil
	}
	if key == nil {
		return at.Errorf(`no "%sssl_certificate_key" is defined for certificate "%s"`, s.prefix, at.Args[0])
	}
	if s.Named() {
		o.Loader = &tls.Loader{Absolute: tree.ConfName, Passwords: passwords, Cache: s.Cache.V}
		return nil
	}
	made, err := loadPair(tree, at.Args[0], key.Args[0], passwords)
	if err != nil {
		return at.Errorf("%v", err)
	}
	o.Certificate = &made
	return nil
}

func (s *Client) loadVerifier(tree *conf.Tree, o *tls.ClientOptions) (err error) {
	v := tls.Verifier{Depth: s.VerifyDepth.V, Usage: x509.ExtKeyUsageServerAuth}
	if v.Authorities, err = tls.LoadAuthorities(tree.ReadFile, tree.ConfName(s.Trusted.V.Args[0])); err != nil {
		return s.Trusted.V.Errorf("%v", err)
	}
	if d := s.CRL.V; d != nil {
		if v.Lists, err = tls.LoadLists(tree.ReadFile, tree.ConfName(d.Args[0])); err != nil {
			return d.Errorf("%v", err)
		}
	}
	o.Verifier = tls.NewVerifier(v)
	return nil
}
