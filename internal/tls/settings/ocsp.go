package settings

import (
	"crypto/x509"
	"encoding/asn1"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/tls/ocsp"
	"github.com/baton-project/baton/internal/zone"
)

// OCSPMode is what ssl_ocsp says.
type OCSPMode uint8

// The words of ssl_ocsp.
const (
	OCSPOff OCSPMode = iota
	OCSPOn
	OCSPLeaf
)

var ocspWords = []conf.Choice[OCSPMode]{{Word: "off", V: OCSPOff}, {Word: "on", V: OCSPOn}, {Word: "leaf", V: OCSPLeaf}}

func (s *Server) setOCSPCache(d *conf.Directive) error {
	word := d.Args[0]
	if word == "off" {
		return s.OCSPCache.Set(nil)
	}
	_, size, ok := sharedZone(word)
	switch {
	case !ok:
		return d.Errorf(`invalid OCSP cache "%s"`, word)
	case size < minZone:
		return d.Errorf(`OCSP cache "%s" is too small`, word)
	}
	return s.OCSPCache.Set(d)
}

// sharedZone reads "shared:name:size".
func sharedZone(word string) (name string, size int64, ok bool) {
	rest, ok := strings.CutPrefix(word, "shared:")
	name, text, colon := strings.Cut(rest, ":")
	size, err := conf.ParseSize(text)
	return name, size, ok && colon && name != "" && err == nil
}

// staple gives all certificates what ssl_stapling says: the answer that a file has,
// or somebody who fetches one.
func (s *Servers) staple(c *Server, l *conf.Level, o *tls.ServerOptions) error {
	on, file := c.Stapling.V, c.StaplingFile.V
	if on == nil || len(c.Certificates) == 0 {
		return nil
	}
	if c.named != nil {
		on.Warnf(`"ssl_stapling" ignored, certificates have variables in their names`)
		return nil
	}
	tree := l.Tree()
	if file != nil && file.Args[0] != "" {
		return stapleFile(tree, file, o)
	}
	roots := x509.NewCertPool()
	var trusted []*x509.Certificate
	for _, d := range []*conf.Directive{c.Authorities.V, c.Trusted.V} {
		if d == nil || d.Args[0] == "" {
			continue
		}
		more, err := tls.LoadAuthorities(tree.ReadFile, tree.ConfName(d.Args[0]))
		if err != nil {
			return d.Errorf("%v", err)
		}
		for _, made := range more {
			roots.AddCert(made)
		}
		trusted = append(trusted, more...)
	}
	o.Staples = make([]tls.Stapler, len(o.Certificates))
	for i := range c.Certificates {
		made := &ocsp.Staple{Fetcher: s.fetcher, Name: c.Certificates[i].Args[0]}
		made.Certificate, made.Roots, made.Anybody = o.Certificates[i].Leaf, roots, !c.StaplingVerify.V
		for _, der := range o.Certificates[i].Certificate[1:] {
			if link, err := x509.ParseCertificate(der); err == nil {
				made.Chain = append(made.Chain, link)
			}
		}
		made.Issuer = issuerOf(made.Certificate, made.Chain, trusted)
		if made.Issuer == nil {
			on.Warnf(`"ssl_stapling" ignored, issuer certificate not found for certificate "%s"`, made.Name)
			continue
		}
		url := ""
		if d := c.StaplingResponder.V; d != nil {
			url = d.Args[0]
		}
		if url == "" && len(made.Certificate.OCSPServer) > 0 {
			url = made.Certificate.OCSPServer[0]
		}
		if url == "" {
			on.Warnf(`"ssl_stapling" ignored, no OCSP responder URL in the certificate "%s"`, made.Name)
			continue
		}
		var err error
		if made.Responder, err = ocsp.ParseResponder(url, tree.LookupHost); err != nil {
			on.Warnf(`"ssl_stapling" ignored, %v in OCSP responder "%s" in the certificate "%s"`, err, url, made.Name)
			continue
		}
		made.Asker = s.asker(l)
		o.Staples[i] = made
	}
	return nil
}

func (s *Servers) asker(l *conf.Level) (made ocsp.Asker) {
	if s.env.Resolver != nil {
		made.Resolver, made.ResolverTimeout = s.env.Resolver(l)
	}
	return made
}

// issuerOf finds who has made a certificate.
func issuerOf(c *x509.Certificate, lists ...[]*x509.Certificate) *x509.Certificate {
	for _, list := range lists {
		for _, other := range list {
			if string(other.RawSubject) == string(c.RawIssuer) && c.CheckSignatureFrom(other) == nil {
				return other
			}
		}
	}
	return nil
}

// stapleFile gives all certificates the answer about them that a file has.
func stapleFile(tree *conf.Tree, d *conf.Directive, o *tls.ServerOptions) error {
	name := tree.ConfName(d.Args[0])
	text, err := tree.ReadFile(name)
	if err != nil {
		return d.Errorf(`BIO_new_file("%s") failed%s`, name, conf.Errno(err))
	}
	var whole asn1.RawValue
	if rest, err := asn1.Unmarshal(text, &whole); err != nil || len(rest) > 0 || whole.Tag != asn1.TagSequence {
		return d.Errorf(`d2i_OCSP_RESPONSE_bio("%s") failed`, name)
	}
	for i := range o.Certificates {
		o.Certificates[i].OCSPStaple = text
	}
	return nil
}

// checkStatus has clients' certificates asked about, as ssl_ocsp says.
func (s *Servers) checkStatus(c *Server, l *conf.Level, o *tls.ServerOptions) (err error) {
	if c.OCSP.V == OCSPOff || c.Verify.V == tls.VerifyOff || o.Verifier == nil {
		return nil
	}
	if c.Verify.V == tls.VerifyOptionalNoCA {
		return l.Directive.Errorf(`"ssl_ocsp" is incompatible with "ssl_verify_client optional_no_ca"`)
	}
	made := &ocsp.Checker{Asker: s.asker(l), Logger: s.env.Logger, LeafOnly: c.OCSP.V == OCSPLeaf}
	if d := c.OCSPResponder.V; d != nil && d.Args[0] != "" {
		if made.Responder, err = ocsp.ParseResponder(d.Args[0], l.Tree().LookupHost); err != nil {
			return d.Errorf(`%v in OCSP responder "%s" in "ssl_ocsp_responder"`, err, d.Args[0])
		}
	}
	if d := c.OCSPCache.V; d != nil && s.env.Zones != nil {
		name, size, _ := sharedZone(d.Args[0])
		if made.Cache, err = s.cache(d, name, size); err != nil {
			return err
		}
	}
	o.Status = made
	return nil
}

// cache is the zone of that name; servers may share one.
func (s *Servers) cache(d *conf.Directive, name string, size int64) (*zone.Zone, error) {
	made, _, err := s.env.Zones.Declare(zone.Spec{Name: name, Tag: "ssl_ocsp", Size: size})
	if err != nil {
		return nil, d.Errorf("%v", err)
	}
	return made, nil
}
