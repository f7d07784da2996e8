package pool

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/pool/nutcracker"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/zone"
)

const (
	// handshakeBound is how long a handshake with a client may take.
	handshakeBound = time.Minute
	// ticketLifetime is for how long a key seals session tickets, and then opens.
	ticketLifetime = 5 * time.Minute
	ticketZone     = 32 << 10
	// helloSize is how much is read at once of what a client says first.
	helloSize = 4 << 10
	// maxDepth is how many certificates may stand above a peer's.
	maxDepth = 9
	// aead are the suites of TLS 1.2 of which the records can be written without
	// waiting, and move to another process.
	aead = "AESGCM:CHACHA20"
)

// A security is the TLS of a pool. Each process makes it of what the master read.
type security struct {
	clients  *tls.Server   // nil: none is spoken with clients
	verifier *tls.Verifier // of clients' certificates; nil: they need none
	servers  *tls.Client   // nil: none is spoken with servers
}

// secure reads what TLS of a pool needs.
func (m *Main) secure(t *conf.Tree, f *file, p *Pool, zones *zone.Set) error {
	c := p.Conf
	l := &loader{tree: t, file: f, pool: c, main: m}
	if c.TLS.Certificate != "" {
		if err := l.clients(&p.security, zones); err != nil {
			return err
		}
	}
	if c.ServerTLS.On {
		return l.servers(&p.security)
	}
	return nil
}

// A loader reads certificates for a pool.
type loader struct {
	tree *conf.Tree
	file *file
	pool *nutcracker.Pool
	main *Main
}

func (l *loader) errorf(key string, err error) error {
	return l.file.errorf(l.pool.LineOf(key), "%v", err)
}

// path is a name that is relative to the file where it stands.
func (l *loader) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(l.file.name), name)
}

func (l *loader) options() tls.ClientOptions {
	o := tls.ClientOptions{Protocols: tls.DefaultProtocols, Reuse: true}
	o.Ciphers, _ = tls.ParseCiphers(aead) // a list that has some
	return o
}

func (l *loader) clients(s *security, zones *zone.Set) error {
	c := l.pool
	o := tls.ServerOptions{ClientOptions: l.options(), Tickets: &tls.Tickets{Lifetime: ticketLifetime}}
	made, err := tls.LoadCertificate(l.tree.ReadFile, tls.FileName(l.path, c.TLS.Certificate), tls.FileName(l.path, c.TLS.Key), nil)
	if err != nil {
		return l.errorf("tls_certificate", err)
	}
	o.Certificates = append(o.Certificates, made)
	if c.TLS.ClientCA != "" {
		o.Verify = tls.VerifyOn
		if o.Names, err = tls.LoadAuthorities(l.tree.ReadFile, l.path(c.TLS.ClientCA)); err != nil {
			return l.errorf("tls_client_ca", err)
		}
		o.Verifier = tls.NewVerifier(tls.Verifier{Authorities: o.Names, Depth: maxDepth, Usage: x509.ExtKeyUsageClientAuth})
		s.verifier = o.Verifier
	}
	o.Tickets.Zone, _, err = zones.Declare(zone.Spec{Name: ":pool tickets", Tag: "ssl_tickets", Size: ticketZone})
	if err != nil {
		return l.errorf("tls_certificate", err)
	}
	s.clients, err = tls.NewServer(o, &l.main.buffers)
	return err
}

func (l *loader) servers(s *security) error {
	c := &l.pool.ServerTLS
	o := l.options()
	if c.Certificate != "" {
		made, err := tls.LoadCertificate(l.tree.ReadFile, tls.FileName(l.path, c.Certificate), tls.FileName(l.path, c.Key), nil)
		if err != nil {
			return l.errorf("server_tls_certificate", err)
		}
		o.Certificate = &made
	}
	if c.CA != "" {
		trusted, err := tls.LoadAuthorities(l.tree.ReadFile, l.path(c.CA))
		if err != nil {
			return l.errorf("server_tls_ca", err)
		}
		if !c.Unverified {
			o.Verifier = tls.NewVerifier(tls.Verifier{Authorities: trusted, Depth: maxDepth, Usage: x509.ExtKeyUsageServerAuth})
		}
	}
	var err error
	s.servers, err = tls.NewClient(o)
	return err
}

// unsecured reports whether the handshake with c is still to come.
func (c *client) unsecured() bool { return c.tls == nil && c.pool.security.clients != nil && !c.closed }

// shake does the handshake. It needs w.mu, gives it up meanwhile, and reports
// whether c goes on.
func (c *client) shake() bool {
	w, security := c.worker, c.pool.security
	n, err := c.TryRead(w.buf[:helloSize]) // nobody waits for one who says nothing
	switch {
	case err == poll.ErrAgain:
		c.rest()
		return false
	case err != nil:
		c.lost(err)
		w.flushLater()
		return false
	}
	ahead := append([]byte(nil), w.buf[:n]...)
	c.shaking = true
	w.mu.Unlock()
	stream, err := tls.Accept(&c.Conn, ahead, handshakeBound, func(*tls.Info) (*tls.Server, any) { return security.clients, nil })
	c.SetReadTimeout(0)
	c.SetWriteTimeout(0)
	w.mu.Lock()
	w.now = w.reactor.Tick()
	c.shaking = false
	if err == nil && !stream.Movable() {
		err = errRecords
	}
	if err != nil || w.killed {
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errClosed) {
			w.main.logger.Logf(log.Info, 0, "SSL_do_handshake() failed %s with a client of pool %s", tls.Text(err), c.pool.conf.Name)
		}
		c.pool.board.pool.clientErr++
		c.close()
		w.flushLater() // counters
		return false
	}
	c.tls = stream
	c.admit()
	return true
}

// admit looks at the certificate of a client, whose TLS may have begun under
// another configuration.
func (c *client) admit() {
	v := c.pool.security.verifier
	if v == nil {
		return
	}
	chain := c.tls.Info().Peer
	switch {
	case len(chain) == 0:
		c.refuse(c.pool.errorReply("client sent no required TLS certificate"))
		return
	default:
		if err := v.Verify(chain, c.worker.reactor.Now()); err != nil {
			c.worker.main.logger.Logf(log.Info, 0, "client certificate verify error: %v of pool %s", err, c.pool.conf.Name)
			c.refuse(c.pool.errorReply("the TLS certificate is not trusted"))
		}
	}
}

var (
	// errHandshake is what a handshake with a server has failed with.
	errHandshake = errors.New("TLS handshake failed")
	errRecords   = errors.New("records cannot be taken over")
)

// secure does the handshake with a server, if TLS is spoken with it. On failure
// the connection is closed.
func (s *server) secure(c *conn, peer string, timeout time.Duration) error {
	client := s.pool.security.servers
	if client == nil {
		return nil
	}
	name := s.pool.conf.ServerTLS.Name
	if name == "" {
		name = s.conf.Host
	}
	_, notIP := netip.ParseAddr(name)
	stream, err := client.Handshake(&c.Conn, tls.Target{Name: name, SNI: name != "" && notIP != nil, Peer: peer, Timeout: timeout})
	if err == nil && !stream.Movable() {
		err = errRecords
	}
	if err != nil {
		_ = c.Conn.Close() // nothing was sent
		if errors.Is(err, poll.ErrTimeout) || errors.Is(err, errClosed) || errors.Is(err, poll.ErrStopped) {
			return err
		}
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	c.SetReadTimeout(0)
	c.SetWriteTimeout(0)
	c.tls = stream
	return nil
}

// complainEvery is how often the failure of handshakes with a server is logged.
const complainEvery = 10_000 // ms

// complain tells the administrator why TLS with a server fails. Needs w.mu.
func (s *server) complain(err error) {
	w := s.pool.worker
	if !errors.Is(err, errHandshake) || s.complained != 0 && w.now-s.complained < complainEvery {
		return
	}
	s.complained = w.now
	w.main.logger.Logf(log.Error, 0, "server %s of pool %s: %s", s.conf.Name, s.pool.conf.Name, handshakeText(err))
}

// handshakeText is the sentence about a handshake with a server.
func handshakeText(err error) string {
	var verify *tls.VerifyError
	var name *tls.NameError
	switch {
	case errors.As(err, &verify):
		return "SSL certificate verify error: " + verify.Error()
	case errors.As(err, &name):
		return "SSL certificate " + name.Error()
	case errors.Is(err, io.EOF):
		return "peer closed connection in SSL handshake"
	}
	return "SSL_do_handshake() failed: " + err.Error()
}
