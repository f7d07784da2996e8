package ocsp

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// A Status is what a responder says of a certificate.
type Status int

// The three of them.
const (
	Good    Status = ocsp.Good
	Revoked Status = ocsp.Revoked
	Unknown Status = ocsp.Unknown
)

// String is OpenSSL's word.
func (s Status) String() string {
	switch s {
	case Good:
		return "good"
	case Revoked:
		return "revoked"
	}
	return "unknown"
}

// A Question is about one certificate.
type Question struct {
	Certificate, Issuer *x509.Certificate
	// Chain are certificates that are trusted as they are; Roots are those that
	// lead there.
	Chain []*x509.Certificate
	Roots *x509.CertPool
	// Anybody may answer: only the signature itself is checked.
	Anybody bool
}

// skew is how far clocks may be apart.
const skew = 5 * time.Minute

// Verify reads the answer to q. until is zero where the answer does not say how
// long it is good.
func (q *Question) Verify(answer []byte, now time.Time) (status Status, until time.Time, err error) {
	r, err := ocsp.ParseResponseForCert(answer, q.Certificate, nil)
	var refused ocsp.ResponseError
	switch {
	case errors.As(err, &refused):
		return Unknown, until, fmt.Errorf("OCSP response not successful (%d: %s)", refused.Status, refused.Status)
	case err != nil:
		return Unknown, until, fmt.Errorf("d2i_OCSP_RESPONSE() failed (%w)", err)
	}
	if err := q.trusts(r, now); err != nil {
		return Unknown, until, fmt.Errorf("OCSP_basic_verify() failed (%w)", err)
	}
	if now.Add(skew).Before(r.ThisUpdate) || !r.NextUpdate.IsZero() && now.Add(-skew).After(r.NextUpdate) {
		return Unknown, until, errors.New("OCSP_check_validity() failed")
	}
	return Status(r.Status), r.NextUpdate, nil
}

var errNotDelegated = errors.New("the signer may not answer for the issuer")

// trusts checks who has signed the answer.
func (q *Question) trusts(r *ocsp.Response, now time.Time) error {
	signer := r.Certificate // it has signed, which was checked
	if signer == nil {
		signer = q.Issuer
		if err := r.CheckSignatureFrom(signer); err != nil {
			return err
		}
	}
	if q.Anybody {
		return nil
	}
	if !bytes.Equal(signer.RawSubjectPublicKeyInfo, q.Issuer.RawSubjectPublicKeyInfo) || !bytes.Equal(signer.RawSubject, q.Issuer.RawSubject) {
		if !slices.Contains(signer.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) {
			return errNotDelegated
		}
		if err := signer.CheckSignatureFrom(q.Issuer); err != nil {
			return err
		}
		if now.Before(signer.NotBefore) || now.After(signer.NotAfter) {
			return errors.New("the signer's certificate has expired")
		}
	}
	if slices.ContainsFunc(q.Chain, q.Issuer.Equal) {
		return nil
	}
	between := x509.NewCertPool()
	for _, c := range q.Chain {
		between.AddCert(c)
	}
	_, err := q.Issuer.Verify(x509.VerifyOptions{Roots: q.Roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}
