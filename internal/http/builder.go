package http

import (
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/variable"
	"github.com/baton-project/baton/internal/zone"
)

// An Env is what the compiled configuration needs from the cycle around it.
// Every field is borrowed.
type Env struct {
	Files    *log.Files  // log files; access logs name theirs here
	Logger   *log.Logger // where an http{} without error_log of its own logs
	Prefix   string      // relative paths start here; ends with a slash
	Hostname string      // $hostname
	// AccessLog is where an http{} without access_log logs to, an absolute path;
	// "" for nowhere.
	AccessLog string
	// Zones are the shared memory of the configuration, in which features declare
	// theirs. Nil: there is none, and a worker counts for itself.
	Zones *zone.Set
	// WorkerConnections is worker_connections.
	WorkerConnections int
	// CloseOrphans and OrphanTime are handover_orphans close.
	CloseOrphans bool
	OrphanTime   time.Duration
	// DebugClients are debug_connection.
	DebugClients DebugClients
}

// A MainBuilder collects what features declare for the whole http{} block.
type MainBuilder struct {
	main *Main
	env  *Env
}

// Variable declares a variable without the "$". It fails with nginx's
// `the duplicate "x" variable` when the name is taken by one that is not
// Changeable.
func (m *MainBuilder) Variable(name string, get Getter, flags VariableFlags) error {
	_, err := m.main.vars.Declare(name, get, flags)
	return err
}

// PrefixVariable declares a family such as "arg_": for each name in use with
// that prefix make is called once with the rest of the name.
func (m *MainBuilder) PrefixVariable(prefix string, make func(rest string) Getter) {
	m.main.vars.DeclarePrefix(prefix, make)
}

// Settable returns the variable that a "set $name" (or map, geo...) assigns to,
// and declares it when it is new; until it is assigned it is the empty string.
func (m *MainBuilder) Settable(name string) (*Variable, error) {
	return m.main.vars.Settable(name, variable.Empty)
}

// SettableOr is Settable for a variable that, when it is new, has the value of
// get until it is assigned.
func (m *MainBuilder) SettableOr(name string, get Getter) (*Variable, error) {
	return m.main.vars.Settable(name, get)
}

// Family is the getter that the family of a name, such as "http_", has for it; nil
// when it belongs to none.
func (m *MainBuilder) Family(name string) Getter {
	return m.main.vars.Family(name)
}

// Compile compiles text, a directive's argument in d, as [Builder.Compile] does.
// The variables in it may be declared later.
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

// A Builder collects what features install at one location, or at one server
// for requests that are in no location yet.
type Builder struct {
	main     *Main
	env      *Env
	level    *conf.Level
	pipeline *pipeline
}

// Phase adds a handler to p.
func (b *Builder) Phase(p Phase, h Handler) {
	b.pipeline.phases[p] = append(b.pipeline.phases[p], h)
}

// OnResume has f called for a request whose answer another worker has begun,
// before it goes on here: for what counts requests in progress.
func (b *Builder) OnResume(f func(*Request)) {
	b.pipeline.resumed = append(b.pipeline.resumed, f)
}

// OnTunnel makes f who goes on with tunnels that another worker has begun at this
// location.
func (b *Builder) OnTunnel(f TunnelOwner) { b.pipeline.tunnels = f }

// Content makes h the only content handler of this location, as proxy_pass
// does; the last call wins. It is not inherited.
func (b *Builder) Content(h Handler) { b.pipeline.content = h }

// InheritedContent makes h the content handler of this nameless location unless
// another one is given here: "if" and "limit_except" go on with what the location
// around them does.
func (b *Builder) InheritedContent(h Handler) {
	if b.pipeline.content == nil {
		b.pipeline.content = h
	}
}

// HeaderFilter adds f behind the filters of the features before this one. It also
// sees the answers of subrequests.
func (b *Builder) HeaderFilter(f HeaderFilter) {
	p := b.pipeline
	p.filters = append(p.filters, f)
	p.subFilters = append(p.subFilters, f)
	p.inner = len(p.filters)
}

// ClientFilter is HeaderFilter for what concerns only the answer that the client
// gets. The sinks of such filters behind the last HeaderFilter take what
// subrequests add to a body as well.
func (b *Builder) ClientFilter(f HeaderFilter) {
	b.pipeline.filters = append(b.pipeline.filters, f)
}

// Log adds a handler that runs when the request has ended.
func (b *Builder) Log(h Handler) { b.Phase(Log, h) }

// Compile makes a [Value] of an argument of d with "$name" and "${name}" in
// it. Errors are nginx's: `invalid variable name in ...`. A variable that nothing
// declares is reported when all of the configuration was compiled.
func (b *Builder) Compile(d *conf.Directive, text string) (*Value, error) {
	return b.main.vars.Compile(d, text)
}

// Variable finds a variable that d uses, or the program itself when d is nil.
func (b *Builder) Variable(d *conf.Directive, name string) (*Variable, error) {
	return b.main.vars.Lookup(d, name)
}

// Level is where the builder stands in the configuration.
func (b *Builder) Level() *conf.Level { return b.level }

// AutoRedirect makes "/x" at a location "/x/" a redirect to it, as locations
// with proxy_pass do.
func (b *Builder) AutoRedirect() { b.pipeline.autoRedirect = true }

// Nested is the location that was made of a block below this level that is not
// a location{} of its own, such as "if" or "limit_except". A handler enters it
// by [Request.EnterLocation].
func (b *Builder) Nested(l *conf.Level) *Location { return b.main.locations[l] }

// Env is what surrounds this configuration.
func (b *Builder) Env() *Env { return b.env }
