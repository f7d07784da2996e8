package stream

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/match"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/resolve"
	"github.com/baton-project/baton/internal/tls"
)

// A Server is a compiled server{}.
type Server struct {
	conf    *serverConf
	level   *conf.Level
	name    string // $server_name
	phases  [phaseCount][]Handler
	content Handler
	resumed []func(*Session)   // see Builder.OnResume
	resumer Resumer            // see Builder.Resume; nil: sessions are not relayed
	letters CorrespondentMaker // see Builder.Correspond; likewise
	logger  *log.Logger
	tls     *tls.Server // nil: it has no certificate, or nobody listens for it with TLS

	resolver *resolve.Resolver // nil: it has none
	timeout  time.Duration     // resolver_timeout
}

// Level is where the server stands in the configuration.
func (s *Server) Level() *conf.Level { return s.level }

// NoDelay is tcp_nodelay.
func (s *Server) NoDelay() bool { return s.conf.NoDelay.V }

// Resolver is that of the server, nil without one, and resolver_timeout.
func (s *Server) Resolver() (*resolve.Resolver, time.Duration) { return s.resolver, s.timeout }

// A site is one address with its servers, ready for search by name.
type site struct {
	address listen.Address
	server  *Server // for sessions that name none of the others
	names   match.Names[*Server]
	regexes []regexName
	proxied bool // connections begin with a header of the PROXY protocol
	ssl     bool // ... or then with a TLS handshake
}

type regexName struct {
	regex  *Regex
	server *Server
}

// find returns the server for a name in lower case; nil for none.
func (t *site) find(s *Session, name string) *Server {
	if found, ok := t.names.Find(name); ok {
		return found
	}
	if name == "" {
		return nil
	}
	for _, n := range t.regexes {
		if n.regex.Match(s, name) {
			return n.server
		}
	}
	return nil
}

// newSite makes the table of names of one address. Names that several servers
// have belong to the first one.
func (m *Main) newSite(from *listen.Site[*Server], warn func(string)) (*site, error) {
	made := &site{
		address: from.Address, server: from.Default,
		proxied: from.Protocols&listen.ProxyProtocol != 0, ssl: from.Protocols&listen.SSL != 0,
	}
	for _, server := range from.Servers {
		made.regexes = append(made.regexes, m.regexes[server]...)
		names := server.conf.names
		if len(names) == 0 {
			names = []serverName{{}}
		}
		for _, name := range names {
			text := m.plainName(name.text)
			if strings.HasPrefix(text, "~") {
				continue
			}
			add := made.names.AddHost
			if text == "" {
				add = made.names.AddExact
			}
			switch err := add(text, server); {
			case errors.Is(err, match.ErrConflict):
				warn(fmt.Sprintf(`conflicting server name "%s" on %s, ignored`, text, from.Address))
			case err != nil:
				return nil, name.directive.Errorf(`invalid server name or wildcard "%s" on %s`, name.text, from.Address)
			}
		}
	}
	return made, nil
}

// plainName is a name as it is looked for.
func (m *Main) plainName(text string) string {
	text = strings.ToLower(text)
	if text == "$hostname" {
		return strings.ToLower(m.env.Hostname)
	}
	return text
}

// addressOf is a socket's own address as package listen has it.
func (l *Listener) addressOf(local poll.Sockaddr) listen.Address {
	ip := netip.AddrPortFrom(local.Addr(), uint16(local.Port()))
	if l.Spec.Address.Datagram() {
		return listen.UDP(ip)
	}
	return listen.TCP(ip)
}
