package tls

import (
	std "crypto/tls"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/baton-project/baton/internal/poll"
)

// ClientOptions are what proxy_ssl_* say.
type ClientOptions struct {
	Protocols   Protocols
	Ciphers     []uint16
	Curves      []std.CurveID
	Certificate *std.Certificate // shown to an upstream that asks for one; nil: none
	Loader      *Loader          // of certificates that a Target names; nil: none does
	Verifier    *Verifier        // nil: everybody is trusted
	Reuse       bool             // sessions are resumed
	KeyLog      io.Writer        // gets the secrets, for debugging; nil: nobody
}

// A Client does handshakes with upstreams.
type Client struct {
	config   *std.Config
	options  ClientOptions
	sessions std.ClientSessionCache // nil: none
	buffers  Buffers
}

// maxSessions is how many sessions with upstreams a Client keeps.
const maxSessions = 1024

// NewClient compiles options.
func NewClient(o ClientOptions) (*Client, error) {
	lowest, highest, err := o.Protocols.limits()
	if err != nil {
		return nil, err
	}
	c := &Client{options: o, config: &std.Config{
		MinVersion: lowest, MaxVersion: highest, CipherSuites: o.Ciphers, CurvePreferences: o.Curves,
		InsecureSkipVerify: true, // Handshake verifies itself, with nginx's rules
	}}
	if o.Certificate != nil {
		c.config.GetClientCertificate = func(*std.CertificateRequestInfo) (*std.Certificate, error) { return o.Certificate, nil }
	}
	if o.Reuse {
		c.sessions = std.NewLRUClientSessionCache(maxSessions)
	}
	return c, nil
}

// A Target is whom a handshake is with.
type Target struct {
	// Name is what the certificate must be for; SNI: it is sent, too.
	Name string
	SNI  bool
	// Protocols are offered by ALPN; nil: none.
	Protocols []string
	// Certificate and Key name the certificate for an upstream that asks for one, if
	// there is a Loader; "": none.
	Certificate, Key string
	// Peer tells sessions apart: the address.
	Peer string
	// Timeout bounds each wait.
	Timeout time.Duration
}

// A NameError says that a certificate is for somebody else.
type NameError struct{ Name string }

// Error returns nginx's words behind "upstream SSL certificate".
func (e *NameError) Error() string { return fmt.Sprintf(`does not match "%s"`, e.Name) }

// Handshake makes a stream of a connection that was just opened, which stays the
// caller's. It waits as its reads do, and does the arithmetic in between with
// others served. Errors are a *LoadError, before anything was sent, a *VerifyError, a
// *NameError, those of [poll.Conn], io.EOF when the peer has closed, or crypto/tls's.
func (c *Client) Handshake(sock *poll.Conn, to Target) (*Stream, error) {
	w := &wire{sock: sock, read: sock.Read}
	sock.SetReadTimeout(to.Timeout)
	sock.SetWriteTimeout(to.Timeout)
	config := c.config.Clone()
	config.KeyLogWriter, config.NextProtos = keyLog{w}, to.Protocols
	if c.options.Loader != nil && to.Certificate != "" {
		made, err := c.options.Loader.Load(to.Certificate, to.Key, sock.Reactor().Now())
		if err != nil {
			return nil, err
		}
		config.GetClientCertificate = func(*std.CertificateRequestInfo) (*std.Certificate, error) { return made, nil }
	}
	if c.sessions != nil {
		config.ClientSessionCache = namedSessions{c.sessions, to.Peer + " " + to.Name + " " + to.Certificate, w}
	}
	if to.SNI {
		config.ServerName = to.Name
	}
	sock.Reactor().Yield()
	conn := std.Client(w, config)
	if err := conn.Handshake(); err != nil {
		return nil, cause(err)
	}
	if c.options.KeyLog != nil {
		_, _ = c.options.KeyLog.Write(w.log) // it helps debugging, nothing hangs on it
	}
	s, err := takeOver(conn, w, true, &c.buffers)
	if err != nil {
		return nil, err
	}
	if err := c.verify(s, to); err != nil {
		_ = s.Close() // it cannot fail
		return nil, err
	}
	return s, nil
}

func (c *Client) verify(s *Stream, to Target) error {
	v := c.options.Verifier
	if v == nil {
		return nil
	}
	chain := s.info.Peer
	if err := v.Verify(chain, s.sock.Reactor().Now()); err != nil {
		return err
	}
	if !isFor(chain[0], to.Name) {
		return &NameError{to.Name}
	}
	return nil
}

// cause is what has ended a handshake: an error of the socket as it is.
func cause(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// namedSessions are the sessions with one upstream.
type namedSessions struct {
	all std.ClientSessionCache
	key string
	w   *wire
}

// Get is for crypto/tls.
func (s namedSessions) Get(string) (*std.ClientSessionState, bool) {
	kept, ok := s.all.Get(s.key)
	if !ok || kept == nil {
		return nil, false
	}
	if _, state, err := kept.ResumptionState(); err == nil && len(state.Extra) > 0 {
		s.w.resumed = state.Extra[len(state.Extra)-1]
	}
	return kept, true
}

// Put is for crypto/tls. The master secret of TLS 1.2 is kept with the session,
// see [wire.masterSecret].
func (s namedSessions) Put(_ string, made *std.ClientSessionState) {
	if made == nil {
		s.all.Put(s.key, nil)
		return
	}
	ticket, state, err := made.ResumptionState()
	if master := s.w.masterSecret(); err == nil && state != nil && master != nil {
		state.Extra = [][]byte{slices.Clone(master)}
		if with, err := std.NewResumptionState(ticket, state); err == nil {
			made = with
		}
	}
	s.all.Put(s.key, made)
}
