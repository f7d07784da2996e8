package http

import (
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/resolve"
)

// resolverConf is who is asked for addresses at run time.
type resolverConf struct{ resolve.Conf }

var resolverFeature = conf.Feature[resolverConf]{
	Name:  "http_resolver",
	Doc:   "Name servers that are asked for addresses at run time.",
	Table: resolve.Table(conf.AnyLevel, func(c *resolverConf) *resolve.Conf { return &c.Conf }),
	Merge: func(c, outer *resolverConf) error {
		c.Conf.Merge(&outer.Conf)
		return nil
	},
}

// resolverOf is the resolver of a directive, nil without one. Those of one
// directive share it.
func (m *Main) resolverOf(c *resolve.Config) *resolve.Resolver {
	if c == nil {
		return nil
	}
	if made := m.resolvers[c]; made != nil {
		return made
	}
	if m.resolvers == nil {
		m.resolvers = make(map[*resolve.Config]*resolve.Resolver)
	}
	made := resolve.New(c, m.env.Logger)
	m.resolvers[c] = made
	return made
}

// Resolver is the resolver of this level and resolver_timeout; nil when there is
// none: `no resolver defined to resolve NAME`. It is the core's to close.
func (b *Builder) Resolver() (*resolve.Resolver, time.Duration) {
	c := conf.Get[resolverConf](b.level)
	return b.main.resolverOf(c.Config), c.Timeout.V
}

// Resolver is that of http{}, as [Builder.Resolver].
func (m *MainBuilder) Resolver() (*resolve.Resolver, time.Duration) {
	c := m.main.resolving
	return m.main.resolverOf(c.Config), c.Timeout.V
}

// ResolverAt is that of a level of http{}, as [Builder.Resolver].
func (m *MainBuilder) ResolverAt(l *conf.Level) (*resolve.Resolver, time.Duration) {
	c := conf.Get[resolverConf](l)
	return m.main.resolverOf(c.Config), c.Timeout.V
}

// NewResolver makes the resolver of a resolver directive that stands elsewhere
// than in the levels of locations, such as in upstream{}. It is the core's to
// close.
func (m *MainBuilder) NewResolver(d *conf.Directive, args []string) (*resolve.Resolver, error) {
	c, err := resolve.Parse(d, args)
	if err != nil {
		return nil, err
	}
	return m.main.resolverOf(c), nil
}

// Resolver is the resolver of the request's location, as [Builder.Resolver].
func (r *Request) Resolver() (*resolve.Resolver, time.Duration) {
	return r.loc.resolver, r.loc.resolving.Timeout.V
}

// closeResolvers is for a worker that has no connection left.
func (m *Main) closeResolvers() {
	for _, r := range m.resolvers {
		r.Close()
	}
}
