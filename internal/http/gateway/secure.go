package gateway

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"golang.org/x/sys/unix"
)

const shaking = " while SSL handshaking to upstream"

// A stream is the bytes of a connection to an upstream: the Conn itself, or TLS
// over it.
type stream interface {
	Read(b []byte) (int, error)
	TryRead(b []byte) (int, error)
	Write(b []byte) (int, error)
	Writev(bufs [][]byte) (int64, error)
}

// secure is TLS towards the upstreams of a Pass.
type secure struct {
	client *tls.Client
	name   *http.Value // of proxy_ssl_name; nil: that of the upstream
	sni    bool
	// certificate and key name the certificate where one of them has variables.
	certificate, key *http.Value
	tag              string // of this client; see Exchange.tag
}

// compileSSL prepares p for upstreams that speak TLS.
func (p *Pass) compileSSL(b *http.Builder) (err error) {
	if p.SSL == nil {
		return nil
	}
	made := &secure{sni: p.SSL.ServerName.V}
	if made.client, err = p.SSL.Compile(b.Level()); err != nil {
		return err
	}
	if d := p.SSL.Name.V; d != nil {
		if made.name, err = b.Compile(d, d.Args[0]); err != nil {
			return err
		}
	}
	if p.SSL.Named() {
		at, key := p.SSL.Certificate.V, p.SSL.Key.V
		if made.certificate, err = b.Compile(at, at.Args[0]); err != nil {
			return err
		}
		if made.key, err = b.Compile(key, key.Args[0]); err != nil {
			return err
		}
	}
	literal, _ := made.name.Literal()
	made.tag = fmt.Sprintf("ssl %p %v %s", made.client, made.sni, literal)
	p.secure = made
	return nil
}

// sslName is the name that the upstream's certificate must have, and that it is
// told; without a port.
func (x *Exchange) sslName() string {
	name := ""
	if v := x.Pass.secure.name; v != nil {
		name = v.Eval(x.Request)
	} else if x.target != nil {
		name = x.target.Name()
	} else {
		name = x.group().Name()
	}
	return tls.HostName(name)
}

// sslTag tells kept connections apart: those of other settings, and with names and
// certificates that differ from request to request, those of other ones.
func (x *Exchange) sslTag() string {
	s := x.Pass.secure
	tag := s.tag
	if s.certificate != nil {
		tag += " " + s.certificate.Eval(x.Request)
	}
	if s.name == nil {
		return tag
	}
	if _, literal := s.name.Literal(); literal {
		return tag
	}
	return tag + " " + x.sslName()
}

// shake makes TLS of a connection that was just opened.
func (x *Exchange) shake() (failed Failure, rc http.Result) {
	r := x.Request
	r.Doing(shaking)
	to := tls.Target{
		Name: strings.Clone(x.sslName()), SNI: x.Pass.secure.sni,
		Peer: x.conn.Address.Name, Timeout: x.Pass.Settings.ConnectTimeout.V,
	}
	if s := x.Pass.secure; s.certificate != nil {
		to.Certificate, to.Key = strings.Clone(s.certificate.Eval(r)), strings.Clone(s.key.Eval(r))
	}
	if x.duplex != nil {
		to.Protocols = []string{"h2"}
	}
	if x.watchClient() {
		x.closeConn()
		return 0, r.LostClient(false)
	}
	s, err := x.Pass.secure.client.Handshake(&x.conn.Conn, to)
	x.unwatch()
	if err == nil {
		x.conn.Data, x.up = s, s
		r.Doing(connecting)
		return 0, http.Declined
	}
	var notLoaded *tls.LoadError
	var untrusted *tls.VerifyError
	var misnamed *tls.NameError
	var errno unix.Errno
	switch {
	case errors.As(err, &notLoaded):
		r.Logf(log.Error, "%v", notLoaded)
		x.closeConn()
		return 0, 500
	case errors.As(err, &untrusted):
		r.Logf(log.Error, "upstream SSL certificate verify error: %v", untrusted)
	case errors.As(err, &misnamed):
		r.Logf(log.Error, "upstream SSL certificate %v", misnamed)
	case errors.Is(err, io.EOF):
		r.Logf(log.Error, "peer closed connection in SSL handshake")
	case errors.Is(err, poll.ErrTimeout), errors.Is(err, errClientGone), errors.Is(err, poll.ErrStopped):
		failed, rc = x.lost(err, "")
		x.closeConn()
		return failed, rc
	case errors.As(err, &errno):
		r.LogErr(log.Error, errno, "peer closed connection in SSL handshake")
	default:
		r.Logf(log.Error, "SSL_do_handshake() failed %s", tls.Text(err))
	}
	x.closeConn()
	return FailedError, 0
}

// endSSL says goodbye on a connection that is about to be closed.
func (x *Exchange) endSSL() {
	if s, ok := x.conn.Data.(*tls.Stream); ok {
		_ = s.Close() // nobody would do anything about it
		x.conn.Data = nil
	}
}

// passBuffered gives the client what TLS has read from the upstream already, as a
// tunnel waits for what comes from the socket.
func (x *Exchange) passBuffered() error {
	s, ok := x.up.(*tls.Stream)
	if !ok {
		return nil
	}
	room := x.room()
	defer x.putRoom()
	for s.Buffered() {
		n, err := s.TryRead(room)
		if n > 0 {
			if err := x.Request.Write(room[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return nil // the tunnel will see it again
		}
	}
	return nil
}

// keepable reports whether nothing of a connection is left unread, so that it can
// be kept.
func (x *Exchange) keepable() bool {
	s, ok := x.conn.Data.(*tls.Stream)
	return !ok || !s.Buffered()
}
