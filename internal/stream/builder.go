package stream

import (
	"reflect"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/resolve"
	"github.com/baton-project/baton/internal/variable"
	"github.com/baton-project/baton/internal/zone"
)

// What variables are of a session; see package variable.
type (
	Value    = variable.Value[*Session]
	Variable = variable.Variable[*Session]
	Getter   = variable.Getter[*Session]
	Regex    = variable.Regex[*Session]
)

// An Env is what the compiled configuration needs from the cycle around it.
// Every field is borrowed.
type Env struct {
	Files    *log.Files  // log files; access logs name theirs here
	Logger   *log.Logger // where a stream{} without error_log of its own logs
	Hostname string      // $hostname
	Version  string      // $nginx_version
	// Zones are the shared memory of the configuration, in which features declare
	// theirs. Nil: there is none, and a worker counts for itself.
	Zones *zone.Set
	// WorkerConnections is worker_connections.
	WorkerConnections int
	// CloseOrphans and OrphanTime are handover_orphans close.
	CloseOrphans bool
	OrphanTime   time.Duration
}

// A MainBuilder collects what features declare for the whole stream{} block.
type MainBuilder struct {
	main *Main
	env  *Env
}

// Variable declares a variable without the "$"; see [variable.Registry.Declare].
func (m *MainBuilder) Variable(name string, get Getter, flags variable.Flags) error {
	_, err := m.main.vars.Declare(name, get, flags)
	return err
}

// PrefixVariable declares a family of variables; see
// [variable.Registry.DeclarePrefix].
func (m *MainBuilder) PrefixVariable(prefix string, make func(rest string) Getter) {
	m.main.vars.DeclarePrefix(prefix, make)
}

// SettableOr returns the variable that a "set $name" assigns to, and declares it
// with get when it is new.
func (m *MainBuilder) SettableOr(name string, get Getter) (*Variable, error) {
	return m.main.vars.Settable(name, get)
}

// Compile compiles text, an argument of d. The variables in it may be declared
// later.
func (m *MainBuilder) Compile(d *conf.Directive, text string) (*Value, error) {
	return m.main.vars.Compile(d, text)
}

// Lookup finds a variable that d uses, or the program itself when d is nil. It may
// be declared later.
func (m *MainBuilder) Lookup(d *conf.Directive, name string) (*Variable, error) {
	return m.main.vars.Lookup(d, name)
}

// Env is what surrounds this configuration.
func (m *MainBuilder) Env() *Env { return m.env }

// Carry has what a feature knows of a session, by the name key, move with it: save
// returns it, nil for nothing, and load is given it in another worker, where anything
// may have written it.
func (m *MainBuilder) Carry(key string, save func(*Session) []byte, load func(*Session, []byte)) {
	m.main.carried = append(m.main.carried, carried{key, save, load})
}

// OnStart has f called in a worker before it serves, and what f returns when it
// has no session left. now is the reactor's clock.
func (m *MainBuilder) OnStart(f func(now func() time.Time) (stop func())) {
	m.main.onStart = append(m.main.onStart, f)
}

// Resolver is that of stream{}, nil without one, and resolver_timeout. It is the
// core's to close.
func (m *MainBuilder) Resolver() (*resolve.Resolver, time.Duration) {
	c := m.main.resolving
	return m.main.resolverOf(c.Config), c.Timeout.V
}

// ResolverAt is that of a level of stream{}, nil without one, and
// resolver_timeout. It is the core's to close.
func (m *MainBuilder) ResolverAt(l *conf.Level) (*resolve.Resolver, time.Duration) {
	c := conf.Get[resolverConf](l)
	return m.main.resolverOf(c.Config), c.Timeout.V
}

// NewResolver makes the resolver of a resolver directive that stands in
// upstream{}. It is the core's to close.
func (m *MainBuilder) NewResolver(d *conf.Directive, args []string) (*resolve.Resolver, error) {
	c, err := resolve.Parse(d, args)
	if err != nil {
		return nil, err
	}
	return m.main.resolverOf(c), nil
}

// A Builder collects what features install at one server.
type Builder struct {
	main  *Main
	env   *Env
	level *conf.Level
	made  *Server
}

// Phase adds a handler to p.
func (b *Builder) Phase(p Phase, h Handler) { b.made.phases[p] = append(b.made.phases[p], h) }

// OnResume has f called for a session that another worker has let in, before it goes
// on here: for what counts sessions.
func (b *Builder) OnResume(f func(*Session)) { b.made.resumed = append(b.made.resumed, f) }

// Resume makes f who goes on with sessions that another worker has relayed for a
// server of this name.
func (b *Builder) Resume(f Resumer) { b.made.resumer = f }

// Correspond is Resume for sessions of datagrams.
func (b *Builder) Correspond(f CorrespondentMaker) { b.made.letters = f }

// Content makes h who deals with the sessions of this server, because of the directive
// d, unless a later one has said who does: then it reports false. See ContentBy.
func (b *Builder) Content(d *conf.Directive, h Handler) bool {
	if b.made.conf.content != d {
		return false
	}
	b.made.content = h
	return true
}

// Compile makes a Value of an argument of d with "$name" and "${name}" in it.
func (b *Builder) Compile(d *conf.Directive, text string) (*Value, error) {
	return b.main.vars.Compile(d, text)
}

// Variable finds a variable that d uses, or the program itself when d is nil.
func (b *Builder) Variable(d *conf.Directive, name string) (*Variable, error) {
	return b.main.vars.Lookup(d, name)
}

// Level is where the builder stands in the configuration.
func (b *Builder) Level() *conf.Level { return b.level }

// Env is what surrounds this configuration.
func (b *Builder) Env() *Env { return b.env }

// Shared is what a feature has once for the whole stream{} block: the same *T for
// every builder of the block, zero at first. T is a type of the feature's own.
func Shared[T any](b *Builder) *T {
	key := reflect.TypeFor[T]()
	if known, ok := b.main.shared[key]; ok {
		return known.(*T)
	}
	made := new(T)
	b.main.shared[key] = made
	return made
}
