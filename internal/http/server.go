package http

import (
	"fmt"
	"strings"

	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/tls"
)

// A Server is a compiled server{}.
type Server struct {
	conf  *serverConf
	name  string    // $server_name
	whole *Location // what holds before a location is chosen
	named map[string]*Location
	tls   *tls.Server // nil: it has no certificate, or nobody listens for it with TLS
}

// Name is the first of the server's names.
func (s *Server) Name() string { return s.name }

// A site is one address with its servers, ready for search by name.
type site struct {
	address listen.Address
	byHost  nameTable
	server  *Server // for requests that name none of the others
	proxied bool    // connections begin with a header of the PROXY protocol
	ssl     bool    // ... or then with a TLS handshake
	http2   bool    // "listen ... http2": HTTP/2 is spoken whatever the directive http2 says
	// mayBeHTTP2: connections may begin with HTTP/2, by its preface or by ALPN.
	mayBeHTTP2 bool
}

// nameTable finds a server by host name.
type nameTable struct {
	exact map[string]*Server
	heads map[string]*Server // ".example.com" for *.example.com and .example.com
	tails map[string]*Server // "www.example." for www.example.*
	regex []regexName
}

type regexName struct {
	regex  *Regex
	server *Server
}

// find returns the server for host, which is in lower case; nil for none.
func (t *nameTable) find(r *Request, host string) *Server {
	if s := t.exact[host]; s != nil {
		return s
	}
	if len(t.heads) > 0 {
		for i := 0; i < len(host); i++ {
			if host[i] == '.' && i > 0 {
				if s := t.heads[host[i:]]; s != nil {
					return s
				}
			}
		}
	}
	if len(t.tails) > 0 {
		for i := len(host) - 1; i > 0; i-- {
			if host[i] == '.' && i < len(host)-1 {
				if s := t.tails[host[:i+1]]; s != nil {
					return s
				}
			}
		}
	}
	for _, n := range t.regex {
		if n.regex.Match(r, host) {
			return n.server
		}
	}
	return nil
}

// newSite makes the table of names of one address. Names that several servers
// have belong to the first one.
func newSite(s *listen.Site[*Server], regexes map[*serverConf][]regexName, warn func(string), hostname string) (*site, error) {
	made := &site{address: s.Address, server: s.Default, proxied: s.Protocols&listen.ProxyProtocol != 0, ssl: s.Protocols&listen.SSL != 0, http2: s.Protocols&listen.HTTP2 != 0}
	made.mayBeHTTP2 = made.http2 || s.Default.whole.http2.Enable.V
	for _, server := range s.Servers {
		made.mayBeHTTP2 = made.mayBeHTTP2 || made.ssl && server.whole.http2.Enable.V
	}
	if len(s.Servers) == 1 && len(regexes[s.Servers[0].conf]) == 0 {
		return made, nil // nothing to choose from
	}
	t := &made.byHost
	t.exact = make(map[string]*Server, len(s.Servers))
	for _, server := range s.Servers {
		if len(server.conf.Names) == 0 {
			t.add(&t.exact, "", server)
		}
		for _, name := range server.conf.Names {
			text := strings.ToLower(name.text)
			if strings.HasPrefix(text, "~") {
				continue
			}
			if text == "$hostname" {
				text = hostname
			}
			fresh, valid := t.addName(text, server)
			if !valid {
				return nil, name.directive.Errorf(`invalid server name or wildcard "%s" on %s`, name.text, s.Address)
			}
			if !fresh {
				warn(fmt.Sprintf(`conflicting server name "%s" on %s, ignored`, text, s.Address))
			}
		}
		t.regex = append(t.regex, regexes[server.conf]...)
	}
	return made, nil
}

// addName puts one name where it is looked for; fresh is false when another
// server has it, valid when its wildcard is none.
func (t *nameTable) addName(name string, s *Server) (fresh, valid bool) {
	head := strings.HasPrefix(name, "*.")
	dotted := strings.HasPrefix(name, ".")
	tail := strings.HasSuffix(name, ".*")
	stars := strings.Count(name, "*")
	if strings.Contains(name, "..") || stars > 1 || stars == 1 && !head && !tail || dotted && tail {
		return false, false
	}
	switch {
	case head:
		return t.add(&t.heads, name[1:], s), true
	case tail:
		return t.add(&t.tails, name[:len(name)-1], s), true
	case dotted:
		exact := t.add(&t.exact, name[1:], s)
		return t.add(&t.heads, name, s) && exact, true
	}
	return t.add(&t.exact, name, s), true
}

func (t *nameTable) add(m *map[string]*Server, key string, s *Server) (fresh bool) {
	if _, taken := (*m)[key]; taken {
		return false
	}
	if *m == nil {
		*m = make(map[string]*Server)
	}
	(*m)[key] = s
	return true
}
