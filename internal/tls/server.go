package tls

import (
	"crypto/sha256"
	std "crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/baton-project/baton/internal/poll"
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
	Verify        ClientVerify
	Names         []*x509.Certificate // whose certificates clients are asked for
	Tickets       *Tickets            // nil: sessions are not resumed
	Reject        bool                // handshakes are refused
	RecordSize    int                 // of answers; 0: the largest
	Staples       []Stapler           // of each certificate, or none at all; nil in it: none
	Status        StatusChecker       // asks whether clients' certificates are revoked; nil: nobody does
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
	buffers *Buffers
}

// NewServer compiles options. Servers that share an address share b.
func NewServer(o ServerOptions, b *Buffers) (*Server, error) {
	lowest, highest, err := o.Protocols.limits()
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, buffers: b, config: &std.Config{
		Certificates: o.Certificates, MinVersion: lowest, MaxVersion: highest, CipherSuites: o.Ciphers,
		CurvePreferences: o.Curves, SessionTicketsDisabled: o.Tickets == nil,
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
func (s *Server) Bare() bool { return len(s.options.Certificates) == 0 && !s.options.Reject }

// Rejects reports whether handshakes are refused.
func (s *Server) Rejects() bool { return s.options.Reject }

var errRejected = errors.New("handshake is rejected")

// unrecognizedName is the alert that a rejected client gets.
var unrecognizedName = []byte{21, 3, 1, 0, 2, 2, 112}

// Accept does the handshake with a client on a busy connection, which stays the
// caller's: ahead was read from it already, and is not kept. choose finds the
// server for the name that the client asks for, "" for none. What it waits for
// must come within timeout. Errors are those of [poll.Conn], io.EOF when the client
// has closed, or crypto/tls's.
func Accept(sock *poll.Conn, ahead []byte, timeout time.Duration, choose func(name string) *Server) (*Stream, error) {
	w := &wire{sock: sock, read: sock.Read, wantsSent: true, deadline: sock.Reactor().Tick() + max(timeout.Milliseconds(), 1)}
	w.buf = append(make([]byte, 0, 4<<10), ahead...)
	w.received = append(w.received, ahead[:min(len(ahead), helloRandom)]...)
	var chosen *Server
	var suites []uint16
	var curves []std.CurveID
	base := &std.Config{GetConfigForClient: func(hello *std.ClientHelloInfo) (*std.Config, error) {
		chosen = choose(hello.ServerName)
		suites, curves = hello.CipherSuites, hello.SupportedCurves
		if chosen == nil || chosen.options.Reject {
			_, _ = sock.Write(unrecognizedName) // the client is sent away in any case
			w.fed = true
			return nil, errRejected
		}
		config := chosen.config.Clone()
		config.KeyLogWriter = keyLog{w}
		if chosen.options.Staples != nil && slices.Contains(hello.Extensions, statusRequest) {
			config.Certificates = chosen.stapled(sock.Reactor().Now())
		}
		if keys := chosen.options.Tickets.Keys(sock.Reactor().Now()); len(keys) > 0 {
			config.SetSessionTicketKeys(keys)
		} else {
			config.SessionTicketsDisabled = true
		}
		sock.Reactor().Yield()
		return config, nil
	}}
	conn := std.Server(w, base)
	if err := conn.Handshake(); err != nil {
		return nil, cause(err)
	}
	s, err := takeOver(conn, w, false, chosen.buffers)
	if err != nil {
		return nil, err
	}
	if n := chosen.options.RecordSize; n > 0 {
		s.SetRecordSize(n)
	}
	s.info.Suites, s.info.Curves = suites, curves
	s.info.Trust = chosen.trust(s.info.Peer, sock.Reactor().Now())
	return s, nil
}

// statusRequest is the number of the extension by which a client asks for a staple.
const statusRequest = 5

// stapled are the certificates with what their responders have said.
func (s *Server) stapled(now time.Time) []std.Certificate {
	made := slices.Clone(s.options.Certificates)
	for i, of := range s.options.Staples {
		if of != nil {
			made[i].OCSPStaple = of.Get(now)
		}
	}
	return made
}

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
