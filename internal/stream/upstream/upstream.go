// Package upstream is nginx's stream upstream module: groups of servers that
// sessions are passed on to, and the variables "$upstream_*".
//
//	upstream db {
//		least_conn;
//		zone db 64k;
//		server 192.0.2.1:5432 max_fails=2;
//		server 192.0.2.2:5432 backup;
//	}
//
// Package internal/upstream does the work, for http{} as well.
package upstream

import (
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/limit"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/upstream"
	"github.com/baton-project/baton/internal/zone"
)

// Conf is the upstreams of stream{}, and at the level of an upstream{} what stands
// in it.
type Conf struct {
	targets upstream.Targets[*stream.Session]
	config  *upstream.Config // of an upstream{}
}

// A Target is an upstream{} or an address, as proxy_pass names it.
type Target = upstream.Target[*stream.Session]

// tag is what zones of upstreams are for here.
const tag = "stream_upstream"

// Feature joins the server by its line in internal/modules, before proxy.
var Feature = stream.Feature[Conf]{
	Name: "upstream",
	Doc:  "Groups of servers that sessions are passed on to.",
	Directives: append(conf.Table[Conf]{
		{Name: "upstream", In: conf.StreamMain, Args: conf.Block | conf.Take1, Set: (*Conf).block, Syntax: "name { ... }"},
	}, upstream.Table(conf.StreamUpstream, func(c *Conf) *upstream.Config { return c.config })...),
	Main: (*Conf).compile,
}

func (c *Conf) block(d *conf.Directive) error {
	return c.targets.Set.Block(d, conf.StreamUpstream, func(l *conf.Level, config *upstream.Config) {
		conf.Make[Conf](l).config = config
	})
}

// Of is the Conf of the stream{} around l. It may be called while the
// configuration is read.
func Of(l *conf.Level) *Conf {
	for l.Context != conf.StreamMain {
		l = l.Parent
	}
	return conf.Make[Conf](l)
}

// Refer finds or makes the target of an address. It is called while the
// configuration is read.
func (c *Conf) Refer(d *conf.Directive, text string) (*Target, error) {
	if strings.ContainsAny(text, "/?") && !strings.HasPrefix(strings.ToLower(text), "unix:") {
		return nil, d.Errorf(`invalid host in upstream "%s"`, text) // there are no URIs here
	}
	t, _, err := c.targets.Refer(d, text, 0)
	return t, err
}

// Find returns the target that a URL stands for which was made at run time; nil:
// the URL's own addresses count.
func (c *Conf) Find(u *upstream.URL) *Target { return c.targets.Find(u) }

// compile makes the groups.
func (c *Conf) compile(m *stream.MainBuilder) error {
	env := upstream.Env{
		Zone: func(d *conf.Directive, spec zone.Spec) (*zone.Zone, error) {
			spec.Tag = tag
			return limit.Declare(m.Env().Zones, d, spec)
		},
		NewResolver: func(d *conf.Directive, args []string) (upstream.Resolver, error) { return m.NewResolver(d, args) },
	}
	if r, timeout := m.Resolver(); r != nil {
		env.Resolver, env.ResolverTimeout = r, timeout
	}
	if err := c.targets.Compile(m, env); err != nil {
		return err
	}
	logger := m.Env().Logger
	m.OnStart(func(now func() time.Time) (stop func()) {
		c.targets.Set.UseClock(now)
		return c.targets.Set.Start(logger)
	})
	return declareVariables(m)
}
