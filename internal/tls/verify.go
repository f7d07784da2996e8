package tls

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A VerifyError says why a certificate is not trusted, with OpenSSL's number and
// words.
type VerifyError struct {
	Code int
	Text string
}

// Error returns "(20:unable to get local issuer certificate)", or the text alone
// where there is no number.
func (e *VerifyError) Error() string {
	if e.Code == 0 {
		return e.Text
	}
	return fmt.Sprintf("(%d:%s)", e.Code, e.Text)
}

// OnlyUnknownIssuer reports whether nothing is wrong but that the issuer is not
// known, which optional_no_ca lets pass.
func (e *VerifyError) OnlyUnknownIssuer() bool {
	return e == errSelfSigned || e == errSelfInside || e == errNoIssuer || e == errOneOnly
}

// The reasons; see x509_vfy.h.
var (
	errNoCRL      = &VerifyError{3, "unable to get certificate CRL"}
	errNotYet     = &VerifyError{9, "certificate is not yet valid"}
	errExpired    = &VerifyError{10, "certificate has expired"}
	errCRLExpired = &VerifyError{12, "CRL has expired"}
	errSelfSigned = &VerifyError{18, "self-signed certificate"}
	errSelfInside = &VerifyError{19, "self-signed certificate in certificate chain"}
	errNoIssuer   = &VerifyError{20, "unable to get local issuer certificate"}
	errOneOnly    = &VerifyError{21, "unable to verify the first certificate"}
	errTooLong    = &VerifyError{22, "certificate chain too long"}
	errRevoked    = &VerifyError{23, "certificate revoked"}
	errInvalidCA  = &VerifyError{24, "invalid CA certificate"}
	errPurpose    = &VerifyError{26, "unsupported certificate purpose"}
	errUnknown    = &VerifyError{1, "unspecified certificate verification error"}
)

// A Verifier checks the chain of a peer.
type Verifier struct {
	// Authorities are trusted. Several of them may be part of one chain.
	Authorities []*x509.Certificate
	// Depth is how many certificates may stand above the peer's own, the trusted
	// one included.
	Depth int
	// Lists are checked for every certificate of the chain when there are any.
	Lists []*RevocationList
	// Usage is what the peer's certificate must be good for.
	Usage x509.ExtKeyUsage

	pool *x509.CertPool
}

// NewVerifier prepares v.
func NewVerifier(v Verifier) *Verifier {
	v.pool = x509.NewCertPool()
	for _, c := range v.Authorities {
		v.pool.AddCert(c)
	}
	return &v
}

// Verify returns nil for a chain, the peer's own certificate first, that leads to
// a trusted certificate.
func (v *Verifier) Verify(chain []*x509.Certificate, now time.Time) *VerifyError {
	_, err := v.Path(chain, now)
	return err
}

// Path is Verify that returns the certificates up to the trusted one at the top.
func (v *Verifier) Path(chain []*x509.Certificate, now time.Time) ([]*x509.Certificate, *VerifyError) {
	if len(chain) == 0 {
		return nil, errUnknown
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	paths, err := chain[0].Verify(x509.VerifyOptions{
		Roots: v.pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{v.Usage},
	})
	if err != nil {
		return nil, v.reason(chain, err, now)
	}
	var found *VerifyError
	for _, path := range paths {
		path = v.toRoot(path)
		if found = v.checkPath(path, now); found == nil {
			return path, nil
		}
	}
	return nil, found
}

// checkPath checks what crypto/x509 does not.
func (v *Verifier) checkPath(path []*x509.Certificate, now time.Time) *VerifyError {
	if len(path)-1 > v.Depth {
		return errTooLong
	}
	if len(v.Lists) == 0 {
		return nil
	}
	var last *VerifyError
	for i, c := range path {
		issuer := c
		if i+1 < len(path) {
			issuer = path[i+1]
		}
		if err := v.checkRevoked(c, issuer, now); err != nil {
			last = err // OpenSSL tells the last error too
		}
	}
	return last
}

// toRoot adds what stands above a path that ends with a trusted certificate in the
// middle of a chain.
func (v *Verifier) toRoot(path []*x509.Certificate) []*x509.Certificate {
	for range v.Authorities {
		last := path[len(path)-1]
		if selfSigned(last) {
			break
		}
		for _, c := range v.Authorities {
			if bytes.Equal(c.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(c) == nil {
				path = append(path[:len(path):len(path)], c)
				break
			}
		}
	}
	return path
}

// isFor reports whether a certificate is for a host: by its alternative names, or
// when it has none, by its common name, as OpenSSL has it.
func isFor(c *x509.Certificate, name string) bool {
	if len(c.DNSNames)+len(c.IPAddresses)+len(c.URIs)+len(c.EmailAddresses) > 0 {
		return c.VerifyHostname(name) == nil
	}
	pattern := c.Subject.CommonName
	if rest, wild := strings.CutPrefix(pattern, "*."); wild {
		_, domain, ok := strings.Cut(name, ".")
		return ok && strings.Contains(rest, ".") && strings.EqualFold(rest, domain)
	}
	return pattern != "" && strings.EqualFold(pattern, name)
}

func (v *Verifier) checkRevoked(c, issuer *x509.Certificate, now time.Time) *VerifyError {
	found := errNoCRL
	for _, list := range v.Lists {
		if !list.by(issuer, c) {
			continue
		}
		if list.revoked[c.SerialNumber.String()] {
			return errRevoked
		}
		if next := list.parsed.TBS.NextUpdate; !next.IsZero() && now.After(next) {
			found = errCRLExpired
			continue
		}
		return nil
	}
	return found
}

// reason finds OpenSSL's words for an error of crypto/x509.
func (v *Verifier) reason(chain []*x509.Certificate, err error, now time.Time) *VerifyError {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		switch invalid.Reason {
		case x509.Expired:
			if now.Before(invalid.Cert.NotBefore) {
				return errNotYet
			}
			return errExpired
		case x509.TooManyIntermediates:
			return errTooLong
		case x509.NotAuthorizedToSign:
			return errInvalidCA
		case x509.IncompatibleUsage:
			return errPurpose
		}
		return errUnknown
	}
	leaf := chain[0]
	switch {
	case selfSigned(leaf):
		return errSelfSigned
	case selfSigned(chain[len(chain)-1]):
		return errSelfInside
	case len(chain) == 1 && len(v.Authorities) == 0:
		return errOneOnly
	}
	return errNoIssuer
}

func selfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }
