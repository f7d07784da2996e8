package settings

import (
	"slices"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/resolve"
	"github.com/baton-project/baton/internal/tls"
)

// A Server is what one level says of TLS with clients. See ServerTable and Merge.
type Server struct {
	Certificates []*conf.Directive
	Keys         []*conf.Directive
	Passwords    conf.Setting[*conf.Directive]
	Protocols    conf.Setting[tls.Protocols]
	Ciphers      conf.Setting[*conf.Directive]
	Curves       conf.Setting[*conf.Directive]
	BufferSize   conf.Setting[int64]
	Verify       conf.Setting[tls.ClientVerify]
	VerifyDepth  conf.Setting[int]
	Authorities  conf.Setting[*conf.Directive] // ssl_client_certificate
	Trusted      conf.Setting[*conf.Directive]
	CRL          conf.Setting[*conf.Directive]
	Tickets      conf.Setting[bool]
	TicketKeys   []*conf.Directive
	Timeout      conf.Setting[time.Duration]
	Cache        conf.Setting[*sessionCache]
	Reject       conf.Setting[bool]
	Stapling     conf.Setting[*conf.Directive] // nil: off
	StaplingFile conf.Setting[*conf.Directive]

	StaplingResponder conf.Setting[*conf.Directive]
	StaplingVerify    conf.Setting[bool]
	OCSP              conf.Setting[OCSPMode]
	OCSPResponder     conf.Setting[*conf.Directive]
	OCSPCache         conf.Setting[*conf.Directive] // nil: off
	commands          []*conf.Directive

	CertificateCache conf.Setting[*tls.CertificateCache]
	named            []tls.NamePair // nil: no certificate's name has variables

	preferServer, compression, earlyData conf.Setting[bool]
	dhparam                              conf.Setting[*conf.Directive]

	made *made // of this level and those that inherit all of it
}

// made is what a Server compiles to: once, or where somebody is asked by name, for each
// way to find out addresses.
type made struct{ all []madeFor }

type madeFor struct {
	resolver *resolve.Resolver
	timeout  time.Duration
	server   *tls.Server
	err      error
}

type directiveSetting = conf.Setting[*conf.Directive]

// keep stores the directive itself, for when files are read.
func keep(field func(*Server) *directiveSetting) func(*Server, *conf.Directive) error {
	return func(s *Server, d *conf.Directive) error { return field(s).Set(d) }
}

func refuse(_ *Server, d *conf.Directive) error { return d.Errorf(`"%s" is not supported`, d.Name) }

// refuseOn takes "off" alone.
func refuseOn(field func(*Server) *conf.Setting[bool]) func(*Server, *conf.Directive) error {
	set := conf.OnOff(field)
	return func(s *Server, d *conf.Directive) error {
		if err := set(s, d); err != nil || !field(s).V {
			return err
		}
		return d.Errorf(`"%s" is not supported`, d.Name)
	}
}

// ServerTable lists the directives of a Server for context in.
func ServerTable[C any](in conf.Context, at func(*C) *Server) conf.Table[C] {
	table := make(conf.Table[C], 0, len(serverTable))
	for _, e := range serverTable {
		row := conf.Entry[C]{Name: e.Name, In: in, Args: e.Args, Syntax: e.Syntax, Default: e.Default, Accepted: e.Accepted, Variables: e.Variables}
		row.Set = func(c *C, d *conf.Directive) error { return e.Set(at(c), d) }
		table = append(table, row)
	}
	return table
}

var serverTable = conf.Table[Server]{
	{Name: "ssl_certificate", Args: conf.Take1, Variables: conf.Arg(0), Syntax: "file",
		Set: func(c *Server, d *conf.Directive) error { c.Certificates = append(c.Certificates, d); return nil }},
	{Name: "ssl_certificate_key", Args: conf.Take1, Variables: conf.Arg(0), Syntax: "file",
		Set: func(c *Server, d *conf.Directive) error { c.Keys = append(c.Keys, d); return nil }},
	{Name: "ssl_certificate_cache", Args: conf.Take123, Syntax: "off | max=N [inactive=time] [valid=time]", Default: "off",
		Set: func(c *Server, d *conf.Directive) error { return setCertificateCache(&c.CertificateCache, d) }},
	{Name: "ssl_certificate_compression", Args: conf.Flag, Syntax: "on | off", Default: "off",
		Set: refuseOn(func(c *Server) *conf.Setting[bool] { return &c.compression })},
	{Name: "ssl_password_file", Args: conf.Take1, Syntax: "file",
		Set: keep(func(c *Server) *directiveSetting { return &c.Passwords })},
	{Name: "ssl_dhparam", Args: conf.Take1, Syntax: "file",
		Accepted: "crypto/tls has no ciphers with finite-field Diffie-Hellman; ECDHE is used",
		Set:      keep(func(c *Server) *directiveSetting { return &c.dhparam })},
	{Name: "ssl_ecdh_curve", Args: conf.Take1, Syntax: "curve", Default: "auto",
		Set: keep(func(c *Server) *directiveSetting { return &c.Curves })},
	{Name: "ssl_protocols", Args: conf.OneMore, Set: (*Server).setProtocols,
		Syntax: "[SSLv2] [SSLv3] [TLSv1] [TLSv1.1] [TLSv1.2] [TLSv1.3]", Default: "TLSv1.2 TLSv1.3"},
	{Name: "ssl_ciphers", Args: conf.Take1, Syntax: "ciphers", Default: "HIGH:!aNULL:!MD5",
		Set: keep(func(c *Server) *directiveSetting { return &c.Ciphers })},
	{Name: "ssl_buffer_size", Args: conf.Take1, Syntax: "size", Default: "16k",
		Set: conf.Size(func(c *Server) *conf.Setting[int64] { return &c.BufferSize })},
	{Name: "ssl_verify_client", Args: conf.Take1, Syntax: "on | off | optional | optional_no_ca", Default: "off",
		Set: conf.Enum(verifyWords, func(c *Server) *conf.Setting[tls.ClientVerify] { return &c.Verify })},
	{Name: "ssl_verify_depth", Args: conf.Take1, Syntax: "number", Default: "1",
		Set: conf.Num(func(c *Server) *conf.Setting[int] { return &c.VerifyDepth })},
	{Name: "ssl_client_certificate", Args: conf.Take1, Syntax: "file",
		Set: keep(func(c *Server) *directiveSetting { return &c.Authorities })},
	{Name: "ssl_trusted_certificate", Args: conf.Take1, Syntax: "file",
		Set: keep(func(c *Server) *directiveSetting { return &c.Trusted })},
	{Name: "ssl_crl", Args: conf.Take1, Syntax: "file",
		Set: keep(func(c *Server) *directiveSetting { return &c.CRL })},
	{Name: "ssl_prefer_server_ciphers", Args: conf.Flag, Syntax: "on | off", Default: "off",
		Accepted: "the order of ciphers is crypto/tls's; of several certificates the first one serves then, and otherwise the one that a client of TLS 1.3 prefers",
		Set:      conf.OnOff(func(c *Server) *conf.Setting[bool] { return &c.preferServer })},
	{Name: "ssl_session_cache", Args: conf.Take12, Syntax: "off | none | [builtin[:size]] [shared:name:size]", Default: "none",
		Set: (*Server).setCache},
	{Name: "ssl_session_tickets", Args: conf.Flag, Syntax: "on | off", Default: "on",
		Set: conf.OnOff(func(c *Server) *conf.Setting[bool] { return &c.Tickets })},
	{Name: "ssl_session_ticket_key", Args: conf.Take1, Syntax: "file",
		Set: func(c *Server, d *conf.Directive) error { c.TicketKeys = append(c.TicketKeys, d); return nil }},
	{Name: "ssl_session_timeout", Args: conf.Take1, Syntax: "time", Default: "5m",
		Set: conf.Sec(func(c *Server) *conf.Setting[time.Duration] { return &c.Timeout })},
	{Name: "ssl_reject_handshake", Args: conf.Flag, Syntax: "on | off", Default: "off",
		Set: conf.OnOff(func(c *Server) *conf.Setting[bool] { return &c.Reject })},
	{Name: "ssl_conf_command", Args: conf.Take2, Syntax: "name value", Set: (*Server).addCommand},
	{Name: "ssl_early_data", Args: conf.Flag, Syntax: "off", Default: "off",
		Set: refuseOn(func(c *Server) *conf.Setting[bool] { return &c.earlyData })},
	{Name: "ssl_stapling", Args: conf.Flag, Syntax: "on | off", Default: "off", Set: (*Server).setStapling},
	{Name: "ssl_stapling_verify", Args: conf.Flag, Syntax: "on | off", Default: "off",
		Set: conf.OnOff(func(c *Server) *conf.Setting[bool] { return &c.StaplingVerify })},
	{Name: "ssl_stapling_file", Args: conf.Take1, Syntax: "file",
		Set: keep(func(c *Server) *directiveSetting { return &c.StaplingFile })},
	{Name: "ssl_stapling_responder", Args: conf.Take1, Syntax: "url",
		Set: keep(func(c *Server) *directiveSetting { return &c.StaplingResponder })},
	{Name: "ssl_ocsp", Args: conf.Take1, Syntax: "on | off | leaf", Default: "off",
		Set: conf.Enum(ocspWords, func(c *Server) *conf.Setting[OCSPMode] { return &c.OCSP })},
	{Name: "ssl_ocsp_responder", Args: conf.Take1, Syntax: "url",
		Set: keep(func(c *Server) *directiveSetting { return &c.OCSPResponder })},
	{Name: "ssl_ocsp_cache", Args: conf.Take1, Syntax: "off | shared:name:size", Default: "off", Set: (*Server).setOCSPCache},
	{Name: "ssl_ech_file", Args: conf.Take1, Syntax: "file", Set: refuse},
}

var verifyWords = []conf.Choice[tls.ClientVerify]{
	{Word: "off", V: tls.VerifyOff}, {Word: "on", V: tls.VerifyOn},
	{Word: "optional", V: tls.VerifyOptional}, {Word: "optional_no_ca", V: tls.VerifyOptionalNoCA},
}

func (s *Server) setProtocols(d *conf.Directive) error {
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

func (s *Server) setStapling(d *conf.Directive) error {
	var on conf.Setting[bool]
	if err := conf.OnOff(func(*Server) *conf.Setting[bool] { return &on })(s, d); err != nil {
		return err
	}
	if !on.V {
		return s.Stapling.Set(nil)
	}
	return s.Stapling.Set(d)
}

func (s *Server) addCommand(d *conf.Directive) error {
	return addTo(&s.commands, d, true)
}

// saysAnything reports whether a directive stands at this level.
func (s *Server) saysAnything() bool {
	return len(s.Certificates)+len(s.Keys)+len(s.TicketKeys)+len(s.commands) > 0 || s.Passwords.IsSet() || s.Protocols.IsSet() ||
		s.Ciphers.IsSet() || s.Curves.IsSet() || s.BufferSize.IsSet() || s.Verify.IsSet() || s.VerifyDepth.IsSet() ||
		s.Authorities.IsSet() || s.Trusted.IsSet() || s.CRL.IsSet() || s.Cache.IsSet() || s.CertificateCache.IsSet() || s.preferServer.IsSet() || s.dhparam.IsSet() || s.Tickets.IsSet() || s.Timeout.IsSet() || s.Reject.IsSet() ||
		s.Stapling.IsSet() || s.StaplingFile.IsSet() || s.StaplingResponder.IsSet() || s.StaplingVerify.IsSet() ||
		s.OCSP.IsSet() || s.OCSPResponder.IsSet() || s.OCSPCache.IsSet()
}

// Merge fills what s left unset from the enclosing level's outer.
func (s *Server) Merge(outer *Server) error {
	if s.made = outer.made; s.made == nil || s.saysAnything() {
		s.made = new(made)
	}
	inherit := func(own *[]*conf.Directive, from []*conf.Directive) {
		if *own == nil {
			*own = slices.Clip(from)
		}
	}
	inherit(&s.Certificates, outer.Certificates)
	inherit(&s.Keys, outer.Keys)
	inherit(&s.TicketKeys, outer.TicketKeys)
	inherit(&s.commands, outer.commands)
	s.Passwords.Inherit(outer.Passwords, nil)
	s.Protocols.Inherit(outer.Protocols, tls.DefaultProtocols)
	s.Ciphers.Inherit(outer.Ciphers, nil)
	s.Curves.Inherit(outer.Curves, nil)
	s.BufferSize.Inherit(outer.BufferSize, 16<<10)
	s.Verify.Inherit(outer.Verify, tls.VerifyOff)
	s.Stapling.Inherit(outer.Stapling, nil)
	s.StaplingFile.Inherit(outer.StaplingFile, nil)
	s.StaplingResponder.Inherit(outer.StaplingResponder, nil)
	s.StaplingVerify.Inherit(outer.StaplingVerify, false)
	s.OCSP.Inherit(outer.OCSP, OCSPOff)
	s.OCSPResponder.Inherit(outer.OCSPResponder, nil)
	s.OCSPCache.Inherit(outer.OCSPCache, nil)
	s.VerifyDepth.Inherit(outer.VerifyDepth, 1)
	s.Authorities.Inherit(outer.Authorities, nil)
	s.Trusted.Inherit(outer.Trusted, nil)
	s.CRL.Inherit(outer.CRL, nil)
	s.Tickets.Inherit(outer.Tickets, true)
	s.Timeout.Inherit(outer.Timeout, 5*time.Minute)
	s.Cache.Inherit(outer.Cache, nil)
	s.CertificateCache.Inherit(outer.CertificateCache, nil)
	s.Reject.Inherit(outer.Reject, false)
	s.preferServer.Inherit(outer.preferServer, false)
	s.dhparam.Inherit(outer.dhparam, nil)
	return nil
}
