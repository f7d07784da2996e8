package gateway

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/upstream"
)

// Conf is the upstreams of http{}, and at the level of an upstream{} what stands
// in it.
type Conf struct {
	targets upstream.Targets[*http.Request]
	config  *upstream.Config // of an upstream{}

	stickers map[*upstream.Config]Sticker
}

// A Target is an upstream{} or an address, as *_pass names it.
type Target = upstream.Target[*http.Request]

// Feature is upstream{} with what stands in it, and the variables "$upstream_*".
// It joins the server by its line in internal/modules, before every *_pass.
var Feature = http.Feature[Conf]{
	Name: "upstream",
	Doc:  "Groups of servers that requests are passed on to.",
	Directives: append(conf.Table[Conf]{
		{Name: "upstream", In: conf.Main, Args: conf.Block | conf.Take1, Set: (*Conf).block, Syntax: "name { ... }"},
	}, upstream.Table(conf.Upstream, func(c *Conf) *upstream.Config { return c.config })...),
	Main: (*Conf).compile,
}

func (c *Conf) block(d *conf.Directive) error {
	return c.targets.Set.Block(d, conf.Upstream, func(l *conf.Level, config *upstream.Config) {
		conf.Make[Conf](l).config = config
	})
}

// of is the Conf of the http{} around l. It may be called while the configuration
// is read.
func of(l *conf.Level) *Conf {
	for l.Context != conf.Main {
		l = l.Parent
	}
	return conf.Make[Conf](l)
}

// Refer finds or makes the target of an address such as proxy_pass has behind
// "http://", and returns what follows the address. It is called while the
// configuration is read.
func Refer(d *conf.Directive, text string, defaultPort uint16) (t *Target, uri string, err error) {
	return of(d.Level()).targets.Refer(d, text, defaultPort)
}

// Find returns the target that a URL stands for which was made at run time; nil:
// the URL's own addresses count.
func (c *Conf) Find(u *upstream.URL) *Target { return c.targets.Find(u) }

// keptUnsaid is how many unused connections a worker keeps of an upstream{} that
// does not say so.
const keptUnsaid = 32

// compile makes the groups.
func (c *Conf) compile(m *http.MainBuilder) error {
	env := upstream.Env{
		Keepalive: keptUnsaid, Zone: m.Zone,
		NewResolver: func(d *conf.Directive, args []string) (upstream.Resolver, error) { return m.NewResolver(d, args) },
	}
	if r, timeout := m.Resolver(); r != nil {
		env.Resolver, env.ResolverTimeout = r, timeout
	}
	if m.Env().Zones == nil {
		env.Zone = nil
	}
	if err := c.targets.Compile(m, env); err != nil {
		return err
	}
	m.OnDrain(c.targets.Set.CloseIdle)
	m.OnStart(c.targets.Set.Start)
	return declareVariables(m)
}
