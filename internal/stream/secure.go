package stream

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/tls"
)

// TLS finds the TLS of a server{}; nil where it has no certificate. It is called for
// each server that is listened for with TLS, when all is merged.
func (m *MainBuilder) TLS(find func(l *conf.Level) (*tls.Server, error)) { m.main.findTLS = find }

// loadCertificates reads those of every server, also of one that does not speak TLS
// as long as it has no "listen ... ssl": what is wrong with them is told now.
func (m *Main) loadCertificates(*conf.Level) error {
	if m.findTLS == nil {
		return nil
	}
	for _, s := range m.servers {
		if _, err := m.findTLS(s.level); err != nil {
			return err
		}
	}
	return nil
}

// secureSite gives the servers of an address their TLS.
func (m *Main) secureSite(s *listen.Site[*Server]) error {
	rejects := false
	for i, server := range append([]*Server{s.Default}, s.Servers...) {
		var err error
		if m.findTLS != nil {
			if server.tls, err = m.findTLS(server.level); err != nil {
				return err
			}
		}
		if i == 0 {
			rejects = server.tls != nil && server.tls.Rejects()
		}
		if server.tls == nil && (i == 0 || rejects) {
			return server.level.Directive.Errorf(`no "ssl_certificate" is defined for the "listen ... ssl" directive`)
		}
	}
	return nil
}

// Secured reports whether the client has to speak TLS.
func (s *Session) Secured() bool { return s.site.ssl }

// TLSServer is who does the handshake: the server that was chosen, or that of the
// address if it has no certificate.
func (s *Session) TLSServer() *tls.Server {
	if t := s.server.tls; t != nil {
		return t
	}
	return s.site.server.tls
}

// Stream is the TLS between the session and its socket; nil: there is none.
func (s *Session) Stream() *tls.Stream { return s.stream }

// SetStream puts t between the session and its socket.
func (s *Session) SetStream(t *tls.Stream) { s.stream = t }

// TLS is what the handshake with the client has agreed on; nil: there was none.
func (s *Session) TLS() *tls.Info {
	if s.stream == nil {
		return s.hello
	}
	return s.stream.Info()
}

// SetHello says what TLS returns while the handshake goes on.
func (s *Session) SetHello(i *tls.Info) { s.hello = i }
