package tls

import (
	"crypto/sha256"
	std "crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// ClientVerify is what a server asks of its clients' certificates.
type ClientVerify uint8

// The words of ssl_verify_client.
const (
	VerifyOff ClientVerify = iota
	VerifyOn
	VerifyOptional
	VerifyOptionalNoCA
)

// ServerOptions are what ssl_* say.
type ServerOptions struct {
	ClientOptions // Protocols, Ciphers, Curves, Verifier
	Certificates  []std.Certificate
	Named         *Named // certificates in the place of Certificates; nil: none
	Verify        ClientVerify
	Names         []*x509.Certificate // whose certificates clients are asked for
	Tickets       *Tickets            // nil: sessions are not in tickets
	Sessions      *Sessions           // where they are then; nil: they are not resumed
	Timeout       time.Duration       // how long they can be resumed; 0: as long as they can be had
	Context       string              // sessions of another one are not resumed, nor those with other certificates
	PreferServer  bool                // of several certificates the first one that suits a client serves, not that which it likes most
	Reject        bool                // handshakes are refused
	RecordSize    int                 // of answers; 0: the largest
	Staples       []Stapler           // of each certificate, or none at all; nil in it: none
	Status        StatusChecker       // asks whether clients' certificates are revoked; nil: nobody does
}

// Named are certificates whose names have variables.
type Named struct {
	Loader
	Pairs []NamePair
}

// A NamePair computes the name of a certificate and that of its key for what
// [Accept]'s choose has returned.
type NamePair struct {
	Text             string // of the certificate, with its variables
	Certificate, Key func(subject any) string
}

// A Stapler has the answer of an OCSP responder about a certificate, nil when it has
// none. It does not wait.
type Stapler interface{ Get(now time.Time) []byte }

// A StatusChecker asks responders about a chain that was verified, up to the trusted
// certificate at its end. It may wait, and returns what is wrong, "" for nothing.
type StatusChecker interface {
	Check(chain []*x509.Certificate, now time.Time) (reason string)
}

// A Server does handshakes with the clients of one server{}.
type Server struct {
	config  *std.Config
	options ServerOptions
	context sessionContext
	buffers *Buffers
}

// NewServer compiles options. Servers that share an address share b.
func NewServer(o ServerOptions, b *Buffers) (*Server, error) {
	lowest, highest, err := o.Protocols.limits()
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, context: contextOf(&o), buffers: b, config: &std.Config{
		Certificates: o.Certificates, MinVersion: lowest, MaxVersion: highest, CipherSuites: o.Ciphers,
		CurvePreferences: o.Curves, SessionTicketsDisabled: o.Tickets == nil && o.Sessions == nil,
	}}
	if o.Verify != VerifyOff {
		s.config.ClientAuth = std.RequestClientCert // who is not trusted gets an answer that says so
		s.config.ClientCAs = x509.NewCertPool()
		for _, c := range o.Names {
			s.config.ClientCAs.AddCert(c)
		}
	}
	return s, nil
}

// Verify is what the server asks of its clients' certificates.
func (s *Server) Verify() ClientVerify { return s.options.Verify }

// Bare reports whether there is no certificate: handshakes are the default
// server's, and only what is asked of clients counts.
func (s *Server) Bare() bool {
	return len(s.options.Certificates) == 0 && s.options.Named == nil && !s.options.Reject
}

// Rejects reports whether handshakes are refused.
func (s *Server) Rejects() bool { return s.options.Reject }

var errRejected = errors.New("handshake is rejected")

// unrecognizedName is the alert that a rejected client gets.
var unrecognizedName = []byte{21, 3, 1, 0, 2, 2, 112}

// trust checks a client's certificate.
func (s *Server) trust(chain []*x509.Certificate, now time.Time) *VerifyError {
	if len(chain) == 0 || s.options.Verifier == nil {
		return nil
	}
	path, err := s.options.Verifier.Path(chain, now)
	if err != nil || s.options.Status == nil {
		return err
	}
	if reason := s.options.Status.Check(path, now); reason != "" {
		return &VerifyError{Text: reason}
	}
	return nil
}

// TicketKey makes a key of what a file of ssl_session_ticket_key has: 48 or 80
// bytes.
func TicketKey(text []byte) (key [32]byte, ok bool) {
	if len(text) != 48 && len(text) != 80 {
		return key, false
	}
	return sha256.Sum256(text), true
}
