package pool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/pool/nutcracker"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/zone"
)

// A Main is all pools of a configuration.
type Main struct {
	Pools     []*Pool
	listeners []*Listener
	logger    *log.Logger
	hostname  string
	buffers   tls.Buffers
}

// A Pool is one pool with the memory that its workers share.
type Pool struct {
	Conf *nutcracker.Pool
	zone *zone.Zone

	security security
}

// A Listener is an address where clients of a pool, or those who want to see the
// statistics, come.
type Listener struct {
	Spec  listen.Spec
	pool  *Pool // nil: statistics
	index int   // of the pool
}

// An Env is what pools need of the rest.
type Env struct {
	Logger   *log.Logger
	Hostname string
	Zones    *zone.Set
}

// New compiles what the nutcracker directives of a tree name; nil when there is
// none.
func New(t *conf.Tree, env Env) (*Main, error) {
	c := conf.Get[Conf](t.Root)
	if len(c.files) == 0 {
		return nil, nil
	}
	m := &Main{logger: env.Logger, hostname: env.Hostname}
	for _, f := range c.files {
		for _, p := range f.pools {
			if err := m.add(t, f, p, env.Zones); err != nil {
				return nil, err
			}
		}
		if f.stats != "" {
			if err := m.addStats(t, f); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// Listeners are all addresses to listen on.
func (m *Main) Listeners() []*Listener { return m.listeners }

func (m *Main) add(t *conf.Tree, f *file, conf *nutcracker.Pool, zones *zone.Set) error {
	for _, p := range m.Pools {
		if p.Conf.Name == conf.Name {
			return f.errorf(conf.Line, "pool \"%s\" is duplicate", conf.Name)
		}
	}
	z, _, err := zones.Declare(zone.Spec{Name: ":pool " + conf.Name, Tag: "pool", Size: zone.LinesSize})
	if err != nil {
		return err
	}
	p := &Pool{Conf: conf, zone: z}
	if err := m.secure(t, f, p, zones); err != nil {
		return err
	}
	address, err := resolve(t, conf.Listen)
	if err != nil {
		return f.errorf(conf.Line, "address \"%s\" of pool \"%s\": %v", conf.Listen.Text, conf.Name, err)
	}
	spec := listen.Spec{Address: address, Options: listen.DefaultOptions()}
	spec.Options.Backlog = conf.Backlog
	spec.Options.ReusePort = conf.ReusePort
	spec.Options.Replace = true
	spec.Options.Mode = conf.Listen.Mode
	if conf.TCPKeepalive {
		spec.Options.KeepAlive.Mode = listen.KeepAliveOn
	}
	m.Pools = append(m.Pools, p)
	return m.listen(f, conf.Line, &Listener{Spec: spec, pool: p, index: len(m.Pools) - 1})
}

func (m *Main) listen(f *file, line int, l *Listener) error {
	for _, o := range m.listeners {
		if o.Spec.Address == l.Spec.Address {
			return f.errorf(line, "address %s is listened on twice", l.Spec.Address)
		}
	}
	m.listeners = append(m.listeners, l)
	return nil
}

// addressOf is the address of a pool as text.
func (m *Main) addressOf(p *Pool) string {
	for _, l := range m.listeners {
		if l.pool == p {
			return l.Spec.Address.String()
		}
	}
	return ""
}

// Check refuses addresses that others listen on too.
func (m *Main) Check(others []listen.Spec) error {
	for _, o := range others {
		for _, l := range m.listeners {
			if o.Address == l.Spec.Address {
				return &conf.Error{Msg: fmt.Sprintf("a pool and a server both listen on %s", o.Address)}
			}
		}
	}
	return nil
}

var errNotFound = errors.New("host not found")

// resolve finds the address to listen on: as getaddrinfo, "*" is the loopback.
func resolve(t *conf.Tree, a nutcracker.Address) (listen.Address, error) {
	if a.Path != "" {
		return listen.Unix(a.Path), nil
	}
	host := a.Host
	if host == "*" {
		host = "localhost"
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		found, err := t.LookupHost(host)
		if err != nil || len(found) == 0 {
			return listen.Address{}, errNotFound
		}
		ip = found[0].Unmap().WithZone("")
	}
	return listen.TCP(netip.AddrPortFrom(ip, uint16(a.Port))), nil
}

func (m *Main) addStats(t *conf.Tree, f *file) error {
	host, port, err := net.SplitHostPort(f.stats)
	if err != nil {
		return f.directive.Errorf("invalid stats address \"%s\"", f.stats)
	}
	number, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", port)
	if err != nil || number == 0 {
		return f.directive.Errorf("invalid stats port \"%s\"", port)
	}
	address, err := resolve(t, nutcracker.Address{Host: host, Port: number})
	if err != nil {
		return f.directive.Errorf("stats address \"%s\": %v", f.stats, err)
	}
	l := &Listener{Spec: listen.Spec{Address: address, Options: listen.DefaultOptions()}}
	return m.listen(f, f.directive.Line, l)
}
