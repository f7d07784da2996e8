package http

import (
	"errors"
	"io"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"golang.org/x/sys/unix"
)

const shakingHands = " while SSL handshaking"

// secured is what a connection has beyond its few fields when TLS is spoken on it.
type secured struct {
	stream *tls.Stream
	server *Server // that the client has asked for, or the default one
	name   string  // that it has asked for and that was found; in lower case
}

// The calls of the socket go through TLS where it is spoken.

// Read is [poll.Conn.Read].
func (c *Conn) Read(b []byte) (int, error) {
	if c.secured != nil {
		return c.secured.stream.Read(b)
	}
	return c.Conn.Read(b)
}

// TryRead is [poll.Conn.TryRead].
func (c *Conn) TryRead(b []byte) (int, error) {
	if c.secured != nil {
		return c.secured.stream.TryRead(b)
	}
	return c.Conn.TryRead(b)
}

// Write is [poll.Conn.Write].
func (c *Conn) Write(b []byte) (int, error) {
	if c.secured != nil {
		return c.secured.stream.Write(b)
	}
	return c.Conn.Write(b)
}

// WriteMore is [poll.Conn.WriteMore].
func (c *Conn) WriteMore(b []byte) (int, error) {
	if c.secured != nil {
		return c.secured.stream.WriteMore(b)
	}
	return c.Conn.WriteMore(b)
}

// Writev is [poll.Conn.Writev].
func (c *Conn) Writev(bufs [][]byte) (int64, error) {
	if c.secured != nil {
		return c.secured.stream.Writev(bufs)
	}
	return c.Conn.Writev(bufs)
}

// Sendfile is [poll.Conn.Sendfile].
func (c *Conn) Sendfile(f *fd.Owned, off, n int64) (int64, error) {
	if c.secured != nil {
		return c.secured.stream.Sendfile(f, off, n)
	}
	return c.Conn.Sendfile(f, off, n)
}

// ShutdownWrite is [poll.Conn.ShutdownWrite].
func (c *Conn) ShutdownWrite() error {
	if c.secured != nil {
		_ = c.secured.stream.Close() // it is always nil
		c.secured = nil              // what the client still sends is dropped unread
	}
	return c.Conn.ShutdownWrite()
}

// buffered reports whether TLS has read more than was asked for, so that the
// socket does not tell when there is something to read.
func (c *Conn) buffered() bool { return c.secured != nil && c.secured.stream.Buffered() }

// TLS finds the TLS of a server{}; nil where it has no certificate. It is called for
// each server that is listened for with TLS, when all is merged.
func (m *MainBuilder) TLS(find func(l *conf.Level) (*tls.Server, error)) { m.main.findTLS = find }

// loadCertificates reads those of every server, also of one that does not speak TLS
// as long as it has no "listen ... ssl": what is wrong with them is told now.
func (m *Main) loadCertificates(block *conf.Level) error {
	if m.findTLS == nil {
		return nil
	}
	for _, l := range block.Children {
		if l.Context != conf.Server {
			continue
		}
		if _, err := m.findTLS(l); err != nil {
			return err
		}
	}
	return nil
}

// secureSite gives the servers of an address their TLS.
func (m *Main) secureSite(s *listen.Site[*Server]) error {
	missing := func(server *Server) error {
		return server.whole.level.Directive.Errorf(`no "ssl_certificate" is defined for the "listen ... ssl" directive`)
	}
	rejects := false
	for i, server := range append([]*Server{s.Default}, s.Servers...) {
		if m.findTLS == nil {
			return missing(server)
		}
		found, err := m.findTLS(server.whole.level)
		if err != nil {
			return err
		}
		server.tls = offering(found, s.Protocols&listen.HTTP2 != 0 || server.whole.http2.Enable.V)
		if i == 0 {
			rejects = found != nil && found.Rejects()
		}
		if (found == nil || found.Bare()) && (i == 0 || rejects) {
			return missing(server)
		}
	}
	return nil
}

// offering is t with the protocols that are spoken behind it.
func offering(t *tls.Server, http2 bool) *tls.Server {
	switch {
	case t == nil || t.Bare():
		return t
	case http2:
		return t.Offering("h2", "http/1.1", "http/1.0", "http/0.9")
	}
	return t.Offering("http/1.1", "http/1.0", "http/0.9")
}

// shake does the TLS handshake of a new connection. It reports false when the
// connection is at rest or closed, and x given back. A client that speaks plain
// HTTP is let through, to be told so.
func (c *Conn) shake(x *exchange) bool {
	if len(x.in) == 0 {
		n, err := c.Conn.TryRead(x.in[:cap(x.in)])
		if errors.Is(err, poll.ErrAgain) {
			c.settle(x, c.restTime)
			return false
		}
		if n == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				c.logf(log.Info, "recv() failed (%s)%s", log.ErrText(err), shakingHands)
			} else {
				c.logf(log.Info, "client closed connection%s", shakingHands)
			}
			c.leave(x)
			return false
		}
		x.in = x.in[:n]
		x.firstByte = c.worker.reactor.Tick()
	}
	if first := x.in[0]; first != 22 && first&0x80 == 0 {
		return true
	}
	made := &secured{server: c.site.server}
	timeout := c.site.server.conf.HeaderTimeout.V - time.Duration(c.worker.reactor.Tick()-c.accepted)*time.Millisecond
	stream, err := tls.Accept(&c.Conn, x.in, max(timeout, time.Millisecond), func(hello *tls.Info) (*tls.Server, any) {
		r := &x.req // there is no request yet; it is for names with variables
		r.reset(c, x)
		r.hello = hello
		if name := hello.ServerName; name != "" {
			if found := c.site.byHost.find(r, name); found != nil {
				made.server, made.name = found, name
			}
		}
		r.server, r.loc = made.server, made.server.whole
		if made.server.tls == nil || made.server.tls.Bare() {
			return c.site.server.tls, r
		}
		return made.server.tls, r
	})
	x.in = x.in[:0]
	if err != nil {
		c.lostHandshake(err)
		c.leave(x)
		return false
	}
	made.stream = stream
	c.secured = made
	return true
}

func (c *Conn) lostHandshake(err error) {
	var errno unix.Errno
	var notLoaded *tls.LoadError
	switch {
	case errors.As(err, &notLoaded):
		c.logf(log.Error, "%v%s", notLoaded, shakingHands)
		c.logf(log.Info, "SSL_do_handshake() failed %s%s", tls.ErrText, shakingHands)
	case errors.Is(err, poll.ErrTimeout):
		c.logf(log.Info, "client timed out (110: Connection timed out)%s", shakingHands)
	case errors.Is(err, io.EOF):
		c.logf(log.Info, "peer closed connection in SSL handshake%s", shakingHands)
	case errors.As(err, &errno):
		c.logf(log.Info, "peer closed connection in SSL handshake (%s)%s", log.ErrText(err), shakingHands)
	case errors.Is(err, errDraining), errors.Is(err, poll.ErrStopped):
	default:
		c.logf(log.Info, "SSL_do_handshake() failed %s%s", tls.Text(err), shakingHands)
	}
}

// defaultServer is the server of requests that name none.
func (c *Conn) defaultServer() *Server {
	if c.secured != nil {
		return c.secured.server
	}
	return c.site.server
}

// checkSecure refuses a request that TLS has something against: plain HTTP on a
// port of TLS, a client without the certificate that is asked for, a name that is
// not the one of the handshake where that counts.
func (r *Request) checkSecure() Result {
	c := r.conn
	if c.secured == nil {
		r.Logf(log.Info, "client sent plain HTTP request to HTTPS port")
		return 497
	}
	if r.server.tls == nil || r.server.tls.Verify() == tls.VerifyOff {
		return Declined
	}
	if r.Host != "" && c.secured.name != "" && r.Host != c.secured.name {
		r.Logf(log.Info, "client attempted to request the server name different from the one that was negotiated")
		return 421
	}
	verify, info := r.server.tls.Verify(), c.secured.stream.Info()
	switch {
	case info.Trust != nil && (verify != tls.VerifyOptionalNoCA || !info.Trust.OnlyUnknownIssuer()):
		r.Logf(log.Info, "client SSL certificate verify error: %v", info.Trust)
		return 495
	case verify == tls.VerifyOn && len(info.Peer) == 0:
		r.Logf(log.Info, "client sent no required SSL certificate")
		return 496
	}
	return Declined
}

// TLS is what the handshake of the client's connection has agreed on; nil when TLS
// is not spoken.
func (r *Request) TLS() *tls.Info {
	if s := r.conn.secured; s != nil {
		return s.stream.Info()
	}
	return r.hello
}

func scheme(r *Request) (string, bool) {
	if r.TLS() != nil {
		return "https", true
	}
	return "http", true
}

func https(r *Request) (string, bool) {
	if r.TLS() != nil {
		return "on", true
	}
	return "", true
}
