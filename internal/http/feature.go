package http

import (
	"github.com/baton-project/baton/internal/conf"
)

// A Feature joins the server: C is its configuration, one value for each level
// of the configuration on which one of its directives stands; the levels below
// share the value of the level above. After Merge a C is never written again.
type Feature[C any] struct {
	Name string // as in nginx's module names: "rewrite" for ngx_http_rewrite_module
	Doc  string // one sentence for the directive reference

	// Directives is the table of the feature's directives.
	Directives conf.Table[C]

	// Merge fills what c left unset from the enclosing level; outer of http{}
	// is a zero C. Nil: nothing is inherited.
	Merge func(c, outer *C) error

	// Main is called once for http{}, with its merged C, before everything
	// below: variables and zones are declared here. May be nil.
	Main func(c *C, m *MainBuilder) error

	// Declare is called for each level on which a directive of the feature
	// stands, after Main of every feature and before any Install, for
	// variables that directives such as "set" bring into being. May be nil.
	Declare func(c *C, m *MainBuilder) error

	// Install is called for each server{} (its handlers serve PostRead,
	// ServerRewrite and requests that end before a location is chosen) and for
	// each location{} with the merged C. It adds only what c configures: what
	// it does not add costs nothing at run time. May be nil.
	//
	// c may be inherited. A feature whose directives do not reach into nested
	// blocks (return, try_files, proxy_pass) compares it with
	// conf.Own[C](b.Level()). Blocks beside each other on which no feature has a
	// directive share what was installed for the first of them, so handlers ask
	// the request, not the builder, where they are.
	Install func(c *C, b *Builder) error
}

// A Module is a [Feature] with its type erased.
type Module interface {
	// ModuleName is the Name of the feature.
	ModuleName() string
	// Register makes the directives known to reg.
	Register(reg *conf.Registry)

	declareMain(l *conf.Level, m *MainBuilder) error
	declare(l *conf.Level, m *MainBuilder) error
	install(l *conf.Level, b *Builder) error
	// stands reports whether a directive of the feature stands on l.
	stands(l *conf.Level) bool
}

// ModuleName is the Name of the feature.
func (f Feature[C]) ModuleName() string { return f.Name }

// Register makes the directives known to reg.
func (f Feature[C]) Register(reg *conf.Registry) {
	conf.Register(reg, conf.Feature[C]{Name: f.Name, Doc: f.Doc, Table: f.Directives, Merge: f.Merge})
}

func (f Feature[C]) declareMain(l *conf.Level, m *MainBuilder) error {
	if f.Main == nil {
		return nil
	}
	return f.Main(conf.Get[C](l), m)
}

func (f Feature[C]) declare(l *conf.Level, m *MainBuilder) error {
	if f.Declare == nil || !f.stands(l) {
		return nil
	}
	return f.Declare(conf.Own[C](l), m)
}

func (f Feature[C]) install(l *conf.Level, b *Builder) error {
	if f.Install == nil {
		return nil
	}
	return f.Install(conf.Get[C](l), b)
}

func (f Feature[C]) stands(l *conf.Level) bool { return conf.Own[C](l) != nil }
