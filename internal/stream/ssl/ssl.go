// Package ssl is nginx's stream ssl module: it ends the TLS of clients.
//
//	server {
//		listen 8883 ssl;
//		ssl_certificate     mqtt.crt;
//		ssl_certificate_key mqtt.key;
//		proxy_pass 192.0.2.1:1883;
//	}
//
// Package tls/settings has the directives and package tls the handshake. See
// ngx_stream_ssl_module in nginx's manual.
package ssl

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/tls/settings"
	"golang.org/x/sys/unix"
)

// Conf is what one level says.
type Conf struct {
	Settings  settings.Server
	Timeout   conf.Setting[time.Duration]
	Protocols conf.Setting[[]string] // of ssl_alpn
}

const levels = conf.StreamMain | conf.StreamServer

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[Conf]{
	Name: "ssl",
	Doc:  "TLS for clients.",
	Directives: append(conf.Table[Conf]{
		{Name: "ssl_handshake_timeout", In: levels, Args: conf.Take1, Syntax: "time", Default: "60s",
			Set: conf.Msec(func(c *Conf) *conf.Setting[time.Duration] { return &c.Timeout })},
		{Name: "ssl_alpn", In: levels, Args: conf.OneMore, Syntax: "protocol ...", Set: (*Conf).setProtocols},
	}, slices.DeleteFunc(settings.ServerTable(levels, func(c *Conf) *settings.Server { return &c.Settings }), onlyHTTP)...),
	Merge: func(c, outer *Conf) error {
		c.Timeout.Inherit(outer.Timeout, time.Minute)
		c.Protocols.Inherit(outer.Protocols, nil)
		return c.Settings.Merge(&outer.Settings)
	},
	Main: func(_ *Conf, m *stream.MainBuilder) error {
		shared := settings.NewServers(settings.Env{Zones: m.Env().Zones, Logger: m.Env().Logger, Resolver: m.ResolverAt, Context: "STREAM"})
		m.OnStart(func(func() time.Time) func() { return shared.Stop })
		m.TLS(func(l *conf.Level) (*tls.Server, error) {
			c := conf.Get[Conf](l)
			made, err := shared.Find(&c.Settings, l)
			if made != nil && len(c.Protocols.V) > 0 {
				made = made.Offering(c.Protocols.V...)
			}
			return made, err
		})
		return settings.DeclareVariables[*stream.Session](m)
	},
	Declare: func(c *Conf, m *stream.MainBuilder) error {
		return c.Settings.CompileNames(func(d *conf.Directive, text string) (func(any) string, error) {
			v, err := m.Compile(d, text)
			return func(s any) string { return strings.Clone(v.Eval(s.(*stream.Session))) }, err
		})
	},
	Install: func(c *Conf, b *stream.Builder) error {
		b.Phase(stream.SSL, c.shake)
		return nil
	},
}

// onlyHTTP is for the directives that stream{} does not have.
func onlyHTTP(e conf.Entry[Conf]) bool {
	return e.Name == "ssl_buffer_size" || e.Name == "ssl_early_data"
}

func (c *Conf) setProtocols(d *conf.Directive) error {
	if slices.ContainsFunc(d.Args, func(name string) bool { return len(name) > 255 }) {
		return d.Errorf(`"%s" directive protocol too long`, d.Name)
	}
	return c.Protocols.Set(d.Args)
}

// shake does the handshake where TLS is to be spoken.
func (c *Conf) shake(s *stream.Session) stream.Result {
	if !s.Secured() || s.Stream() != nil {
		return stream.Declined
	}
	s.Doing(" while SSL handshaking")
	made, err := tls.Accept(&s.Conn, s.TakeAhead(), c.Timeout.V, func(hello *tls.Info) (*tls.Server, any) {
		s.SetHello(hello)
		if hello.ServerName != "" {
			s.ChooseServer(strings.ToLower(hello.ServerName))
		}
		return s.TLSServer(), s
	})
	s.SetHello(nil)
	if err != nil {
		lost(s, err)
		return stream.StatusInternalError
	}
	s.SetStream(made)
	return verify(s, made.Info())
}

// lost logs why a handshake has failed.
func lost(s *stream.Session, err error) {
	var errno unix.Errno
	var notLoaded *tls.LoadError
	switch {
	case errors.As(err, &notLoaded):
		s.Logf(log.Error, "%v", notLoaded)
		s.Logf(log.Info, "SSL_do_handshake() failed %s", tls.ErrText)
	case errors.Is(err, io.EOF):
		s.Logf(log.Info, "peer closed connection in SSL handshake")
	case errors.As(err, &errno):
		s.LogErr(log.Info, errno, "peer closed connection in SSL handshake")
	case stream.Interrupted(err):
	default:
		s.Logf(log.Info, "SSL_do_handshake() failed %s", tls.Text(err))
	}
}

// verify refuses a client without the certificate that is asked for.
func verify(s *stream.Session, info *tls.Info) stream.Result {
	asked := s.TLSServer().Verify()
	switch {
	case asked == tls.VerifyOff:
		return stream.Declined
	case info.Trust != nil && (asked != tls.VerifyOptionalNoCA || !info.Trust.OnlyUnknownIssuer()):
		s.Logf(log.Info, "client SSL certificate verify error: %v", info.Trust)
	case asked == tls.VerifyOn && len(info.Peer) == 0:
		s.Logf(log.Info, "client sent no required SSL certificate")
	default:
		return stream.Declined
	}
	return stream.StatusInternalError
}
