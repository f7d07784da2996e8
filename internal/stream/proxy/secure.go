package proxy

import (
	"errors"
	"io"
	"strings"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/tls"
	"golang.org/x/sys/unix"
)

// greet does what comes between the connection and the bytes of the session: TLS,
// behind the header of the PROXY protocol.
func (r *relay) greet() stream.Result {
	if r.client == nil {
		return stream.OK
	}
	if rc := r.sendHeader(); rc != stream.OK {
		return rc
	}
	s := r.s
	s.Doing(" while SSL handshaking to upstream")
	to := tls.Target{
		Name: strings.Clone(r.sslName()), SNI: r.conf.SSL.ServerName.V, Protocols: r.offered(),
		Peer: r.name, Timeout: r.conf.ConnectTimeout.V,
	}
	if r.certificate != nil {
		to.Certificate, to.Key = strings.Clone(r.certificate.Eval(s)), strings.Clone(r.key.Eval(s))
	}
	made, err := r.client.Handshake(&r.conn.Conn, to)
	if err == nil {
		r.secured, r.bytes = made, made
		s.Doing(connecting)
		return stream.OK
	}
	var notLoaded *tls.LoadError
	var untrusted *tls.VerifyError
	var misnamed *tls.NameError
	var errno unix.Errno
	switch {
	case errors.As(err, &notLoaded):
		s.Logf(log.Error, "%v", notLoaded)
		return stream.StatusInternalError
	case errors.As(err, &untrusted):
		s.Logf(log.Error, "upstream SSL certificate verify error: %v", untrusted)
	case errors.As(err, &misnamed):
		s.Logf(log.Error, "upstream SSL certificate %v", misnamed)
	case errors.Is(err, io.EOF):
		s.Logf(log.Error, "peer closed connection in SSL handshake")
	case stream.Interrupted(err):
		return r.lost(err, "upstream timed out", "")
	case errors.As(err, &errno):
		s.LogErr(log.Error, errno, "peer closed connection in SSL handshake")
	default:
		s.Logf(log.Error, "SSL_do_handshake() failed %s", tls.Text(err))
	}
	return stream.Declined
}

// sslName is the name that the upstream's certificate must have, and that it is
// told; without a port.
func (r *relay) sslName() string {
	name := r.host
	if r.tlsName != nil {
		name = r.tlsName.Eval(r.s)
	}
	return tls.HostName(name)
}

// offered are the protocols that the upstream is told, without those that are
// empty or too long to be told.
func (r *relay) offered() (names []string) {
	for _, v := range r.protocols {
		if name := v.Eval(r.s); name != "" && len(name) <= 255 {
			names = append(names, strings.Clone(name))
		}
	}
	return names
}

// farewell says goodbye on a connection that is about to be closed.
func (r *relay) farewell() {
	if r.secured != nil {
		_ = r.secured.Close() // nobody would do anything about it
	}
	r.secured, r.bytes = nil, nil
}
