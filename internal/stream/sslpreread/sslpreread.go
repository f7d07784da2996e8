package sslpreread

import (
	"errors"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/stream"
)

// Conf is ssl_preread.
type Conf struct {
	Enabled conf.Setting[bool]
}

// state is what is known of one session's ClientHello.
type state struct {
	known bool // it is one, as far as it has come
	hello Hello
}

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[Conf]{
	Name: "ssl_preread",
	Doc:  "looks into the ClientHello without ending TLS",
	Directives: conf.Table[Conf]{
		{Name: "ssl_preread", In: conf.StreamMain | conf.StreamServer, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.Enabled })},
	},
	Merge: func(c, outer *Conf) error {
		c.Enabled.Inherit(outer.Enabled, false)
		return nil
	},
	Main: func(_ *Conf, m *stream.MainBuilder) error {
		m.Carry("ssl_preread", save, load)
		return errors.Join(
			m.Variable("ssl_preread_protocol", said(func(h *Hello) string { return h.protocol() }), 0),
			m.Variable("ssl_preread_server_name", said(func(h *Hello) string { return h.Host }), 0),
			m.Variable("ssl_preread_alpn_protocols", said(func(h *Hello) string { return h.ALPN }), 0))
	},
	Install: func(c *Conf, b *stream.Builder) error {
		if c.Enabled.V {
			b.Phase(stream.Preread, handle)
		}
		return nil
	},
}

func handle(s *stream.Session) stream.Result {
	ahead := s.Ahead()
	if len(ahead) == 0 {
		return stream.Again
	}
	hello, progress := Parse(ahead)
	*stream.Context[state](s) = state{progress != NotHello, hello}
	switch progress {
	case NeedMore:
		return stream.Again
	case NotHello:
		return stream.Declined
	}
	if name, ok := validHost(hello.Host); ok {
		s.ChooseServer(name)
	}
	return stream.OK
}

// save is what another worker is to know of the ClientHello.
func save(s *stream.Session) []byte {
	known := stream.Context[state](s)
	if !known.known {
		return nil
	}
	b, err := cbor.Marshal(&known.hello)
	if err != nil {
		return nil
	}
	return b
}

// load is the reverse of save.
func load(s *stream.Session, b []byte) {
	var hello Hello
	if cbor.Unmarshal(b, &hello) == nil {
		*stream.Context[state](s) = state{true, hello}
	}
}

// said makes the getter of something in the ClientHello.
func said(f func(*Hello) string) stream.Getter {
	return func(s *stream.Session) (string, bool) {
		known := stream.Context[state](s)
		if !known.known {
			return "", false
		}
		return f(&known.hello), true
	}
}

// protocol is the version in OpenSSL's words.
func (h *Hello) protocol() string {
	switch h.Version {
	case [2]byte{0, 2}:
		return "SSLv2"
	case [2]byte{3, 0}:
		return "SSLv3"
	case [2]byte{3, 1}:
		return "TLSv1"
	case [2]byte{3, 2}:
		return "TLSv1.1"
	case [2]byte{3, 3}:
		return "TLSv1.2"
	case [2]byte{3, 4}:
		return "TLSv1.3"
	}
	return ""
}

// validHost is a name in lower case, without a dot at its end; ok is false for what
// is none.
func validHost(name string) (host string, ok bool) {
	if strings.Contains(name, "..") || strings.HasPrefix(name, ".") && len(name) == 1 {
		return "", false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~!$&'()*+,;=%", c) >= 0:
		default:
			return "", false
		}
	}
	host = strings.ToLower(strings.TrimSuffix(name, "."))
	return host, host != ""
}
