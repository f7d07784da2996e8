package stream

import "github.com/baton-project/baton/internal/conf"

// A Feature joins the server: C is its configuration, one value for each level
// on which one of its directives stands, stream{} or server{}; a server without
// any shares that of stream{}. After Merge a C is never written again.
type Feature[C any] struct {
	Name string // as in nginx's module names: "proxy" for ngx_stream_proxy_module
	Doc  string // one sentence for the directive reference

	// Directives is the table of the feature's directives.
	Directives conf.Table[C]

	// Merge fills what c left unset from the enclosing level; outer of stream{}
	// is a zero C. Nil: nothing is inherited.
	Merge func(c, outer *C) error

	// Main is called once for stream{}, with its merged C, before everything
	// below: variables and zones are declared here. May be nil.
	Main func(c *C, m *MainBuilder) error

	// Declare is called for each level on which a directive of the feature
	// stands, after Main of every feature and before any Install. May be nil.
	Declare func(c *C, m *MainBuilder) error

	// Install is called for each server{} with the merged C. It adds only what c
	// configures: what it does not add costs nothing at run time. May be nil.
	Install func(c *C, b *Builder) error
}

// A Module is a [Feature] with its type erased.
type Module interface {
	// Register makes the directives known to reg.
	Register(reg *conf.Registry)

	declareMain(l *conf.Level, m *MainBuilder) error
	declare(l *conf.Level, m *MainBuilder) error
	install(l *conf.Level, b *Builder) error
}

// Register makes the directives known to reg.
func (f Feature[C]) Register(reg *conf.Registry) {
	conf.Register(reg, conf.Feature[C]{Name: "stream_" + f.Name, Doc: f.Doc, Table: f.Directives, Merge: f.Merge})
}

func (f Feature[C]) declareMain(l *conf.Level, m *MainBuilder) error {
	if f.Main == nil {
		return nil
	}
	return f.Main(conf.Get[C](l), m)
}

func (f Feature[C]) declare(l *conf.Level, m *MainBuilder) error {
	c := conf.Own[C](l)
	if f.Declare == nil || c == nil {
		return nil
	}
	return f.Declare(c, m)
}

func (f Feature[C]) install(l *conf.Level, b *Builder) error {
	if f.Install == nil {
		return nil
	}
	return f.Install(conf.Get[C](l), b)
}

// Register makes the core's directives and those of the features known to reg.
func Register(reg *conf.Registry, features []Module) {
	conf.Register(reg, blockFeature)
	conf.Register(reg, serverFeature)
	conf.Register(reg, resolverFeature)
	conf.Register(reg, errorLogFeature)
	for _, f := range features {
		f.Register(reg)
	}
}
