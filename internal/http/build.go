package http

import (
	"reflect"
	"slices"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/metrics"
	"github.com/baton-project/baton/internal/resolve"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/variable"
)

// Main is a compiled http{} block. Nothing in it is written once New has
// returned it; any number of workers may use it.
type Main struct {
	env       *Env
	vars      variables
	features  []Module
	listeners []*Listener
	caches    []*fileCache
	resolving *resolverConf // of http{}
	resolvers map[*resolve.Config]*resolve.Resolver
	board     *metrics.Board // counters of all workers; nil without Env.Zones
	debug     bool           // a log has the debug level

	tempFolders []string
	onDrain     []func()
	onStart     []func(*log.Logger) (stop func())
	streams     StreamOwner // goes on with those whose route is gone; nil: nobody can

	// What follows serves building only.
	locations map[*conf.Level]*Location
	loggers   map[*errorLogConf]*log.Logger
	draft     pipeline // of the location that is being built
	pages     map[*answerConf][]errorPage
	regexes   map[*serverConf][]regexName
	ports     listen.Ports[*Server]
	shared    map[reflect.Type]any
	findTLS   func(*conf.Level) (*tls.Server, error) // see MainBuilder.TLS
}

// A Listener is one listening socket of the block and whom it serves.
type Listener struct {
	Spec  listen.Spec
	group listen.Group[*Server]
	sites map[listen.Address]*site
	own   *site // the address of the socket itself
}

// New compiles the block of a merged configuration. Errors are sentences for
// the user, most of them with "in FILE:LINE".
func New(block *conf.Level, features []Module, env Env) (*Main, error) {
	m := &Main{
		env:       &env,
		vars:      variables{Registry: variable.NewRegistry[*Request]()},
		features:  features,
		locations: make(map[*conf.Level]*Location),
		loggers:   make(map[*errorLogConf]*log.Logger),
		pages:     make(map[*answerConf][]errorPage),
		regexes:   make(map[*serverConf][]regexName),
		shared:    make(map[reflect.Type]any),
		debug:     env.Logger.Enabled(log.Debug),
		resolving: conf.Get[resolverConf](block),
	}
	if env.Zones != nil {
		var err error
		if m.board, err = metrics.Declare(env.Zones); err != nil {
			return nil, err
		}
	}
	steps := []func(*conf.Level) error{m.compileTexts, m.declareVariables, m.addServers, m.install, m.resolveVariables, m.loadCertificates, m.buildListeners}
	for _, step := range steps {
		if err := step(block); err != nil {
			return nil, err
		}
	}
	m.locations, m.loggers, m.pages, m.regexes = nil, nil, nil, nil
	m.shared, m.findTLS = nil, nil
	m.vars.Seal()
	return m, nil
}

// addCache remembers a cache of open files, once, so that it can be closed.
func (m *Main) addCache(c *fileCache) {
	if c != nil && !slices.Contains(m.caches, c) {
		m.caches = append(m.caches, c)
	}
}

// Listeners are the sockets to open, in the order of the configuration.
func (m *Main) Listeners() []*Listener { return m.listeners }

// compileTexts compiles what has variables in it wherever it stands, before anybody
// asks for it: an unknown variable is refused even where the text has no use.
func (m *Main) compileTexts(block *conf.Level) error {
	return eachLevel(block, func(l *conf.Level) error { return m.vars.CompileAll(l.Texts()) })
}

func (m *Main) declareVariables(block *conf.Level) error {
	b := &MainBuilder{main: m, env: m.env}
	if err := declareCore(b); err != nil {
		return err
	}
	for _, f := range m.features {
		if err := f.declareMain(block, b); err != nil {
			return err
		}
	}
	err := eachLevel(block, func(l *conf.Level) error {
		for _, f := range m.features {
			if err := f.declare(l, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return nil
}

// resolveVariables finds out what the variables are that were used before they
// were declared.
func (m *Main) resolveVariables(*conf.Level) error {
	err := m.vars.Resolve()
	m.vars.slots = m.vars.Slots()
	return err
}

// eachLevel calls f for l and every level inside it, outermost first.
func eachLevel(l *conf.Level, f func(*conf.Level) error) error {
	if err := f(l); err != nil {
		return err
	}
	for _, inner := range l.Children {
		if err := eachLevel(inner, f); err != nil {
			return err
		}
	}
	return nil
}

// addServers makes every server with its tree of locations, still without
// what features do there.
func (m *Main) addServers(block *conf.Level) error {
	if own := conf.Own[bodyConf](block); own != nil && own.TempPath.IsSet() {
		m.addTempFolder(own.TempPath.V)
	}
	for _, l := range block.Children {
		if l.Context != conf.Server {
			continue
		}
		if err := m.addServer(l); err != nil {
			return err
		}
	}
	return nil
}

func (m *Main) addServer(l *conf.Level) error {
	s := &Server{conf: conf.Get[serverConf](l)}
	if len(s.conf.Names) > 0 {
		s.name = s.conf.Names[0].text
		if !strings.HasPrefix(s.name, "~") {
			s.name = strings.TrimPrefix(strings.ToLower(s.name), ".")
		}
		if s.name == "$hostname" {
			s.name = m.env.Hostname
		}
	}
	var err error
	if s.whole, err = m.addLocation(l, s); err != nil {
		return err
	}
	for _, name := range s.conf.Names {
		if !strings.HasPrefix(name.text, "~") {
			continue
		}
		pattern := name.text[1:]
		regex, err := CompileRegex(name.directive, pattern, strings.ToLower(pattern) != pattern)
		if err == nil {
			err = regex.Bind(&MainBuilder{main: m, env: m.env})
		}
		if err != nil {
			return err
		}
		m.regexes[s.conf] = append(m.regexes[s.conf], regexName{regex, s})
	}
	for _, at := range s.conf.Listens {
		warning, err := m.ports.Add(s, at.parsed, at.byDefault, at.protocols)
		if err != nil {
			return at.directive.Errorf("%v", err)
		}
		if warning != "" {
			at.directive.Warnf("%s", warning)
		}
	}
	return nil
}

// addLocation makes the location of l and of every level inside it.
func (m *Main) addLocation(l *conf.Level, s *Server) (*Location, error) {
	made := &Location{
		parsedName: locationName(l),
		server:     s,
		level:      l,
		paths:      conf.Get[pathConf](l),
		conn:       conf.Get[connConf](l),
		http2:      conf.Get[http2Conf](l),
		bodies:     conf.Get[bodyConf](l),
		answers:    conf.Get[answerConf](l),
		gzip:       conf.Get[gzipConf](l),
		files:      conf.Get[filesConf](l),
		resolving:  conf.Get[resolverConf](l),
	}
	made.resolver = m.resolverOf(made.resolving.Config)
	m.locations[l] = made
	if own := conf.Own[bodyConf](l); own != nil && own.TempPath.IsSet() {
		m.addTempFolder(own.TempPath.V)
	}
	m.addCache(made.files.Cache.V)
	made.escapedName = escapeName(made.text)
	if made.kind == regexLocation {
		var err error
		if made.regex, err = CompileRegex(l.Directive, made.text, made.fold); err == nil {
			err = made.regex.Bind(&MainBuilder{main: m, env: m.env})
		}
		if err != nil {
			return nil, err
		}
	}
	var inside []*Location
	for _, child := range l.Children {
		inner, err := m.addLocation(child, s)
		if err != nil {
			return nil, err
		}
		switch inner.kind {
		case namelessLocation:
			if own := conf.Own[exceptConf](l); own != nil && own.block == child {
				made.except, made.spared = inner, own.spared
			}
		case namedLocation:
			if err := s.addNamed(inner); err != nil {
				return nil, err
			}
		default:
			inside = append(inside, inner)
		}
	}
	if len(inside) == 0 {
		return made, nil
	}
	var err error
	made.inner, err = newLocationTree(inside)
	return made, err
}

func (s *Server) addNamed(l *Location) error {
	if s.named == nil {
		s.named = make(map[string]*Location)
	}
	if s.named[l.text] != nil {
		return l.level.Directive.Errorf(`duplicate location "%s"`, l.text)
	}
	s.named[l.text] = l
	return nil
}

// install gives every location its pipeline and what else is compiled.
func (m *Main) install(block *conf.Level) error {
	outermost := new(plainPipeline)
	for _, l := range block.Children {
		if l.Context == conf.Server {
			if err := m.installAt(l, outermost); err != nil {
				return err
			}
		}
	}
	return nil
}

// A plainPipeline is what the levels inside one block have on which no feature
// has a directive: they all share it. It is built for the first of them.
type plainPipeline struct{ built *pipeline }

func (m *Main) installAt(l *conf.Level, plain *plainPipeline) error {
	at := m.locations[l]
	var err error
	if m.isPlain(l) && l.Context&(conf.LimitExcept|conf.LocationIf) == 0 { // there it may be others that inherit
		if plain.built == nil {
			plain.built, err = m.buildPipeline(l)
		}
		at.pipeline = plain.built
	} else {
		at.pipeline, err = m.buildPipeline(l)
		plain = new(plainPipeline)
	}
	if err != nil {
		return err
	}
	if err := m.finishLocation(at); err != nil {
		return err
	}
	for _, child := range l.Children {
		if err := m.installAt(child, plain); err != nil {
			return err
		}
		if at.inner != nil && m.locations[child].pipeline.autoRedirect {
			at.inner.redirect = true
		}
	}
	return nil
}

// isPlain reports whether no feature has a directive on l.
func (m *Main) isPlain(l *conf.Level) bool {
	for _, f := range m.features {
		if f.stands(l) {
			return false
		}
	}
	return true
}

func (m *Main) buildPipeline(l *conf.Level) (*pipeline, error) {
	m.draft.reset()
	b := &Builder{main: m, env: m.env, level: l, pipeline: &m.draft}
	for _, f := range m.features {
		if err := f.install(l, b); err != nil {
			return nil, err
		}
	}
	return m.draft.copied(), nil
}

// finishLocation compiles what of the core's own directives has variables in
// it, once for all levels that share it.
func (m *Main) finishLocation(l *Location) error {
	var err error
	if l.paths.rootAt == nil {
		l.root = LiteralValue(m.env.Prefix + "html")
	} else if l.root, err = m.vars.Compile(l.paths.rootAt, l.paths.root); err != nil {
		return err
	}
	if links := l.files.Links.V; links.from != "" {
		if l.linksFrom, err = m.vars.Compile(links.at, links.from); err != nil {
			return err
		}
	}
	if l.errorPages, err = m.compileErrorPages(l.answers); err != nil {
		return err
	}
	l.logger, err = m.loggerOf(conf.Get[errorLogConf](l.level))
	return err
}

func (m *Main) loggerOf(c *errorLogConf) (*log.Logger, error) {
	if len(c.specs) == 0 {
		return m.env.Logger, nil
	}
	if made, ok := m.loggers[c]; ok {
		return made, nil
	}
	made, err := m.env.Files.Logger(c.specs)
	m.debug = m.debug || made.Enabled(log.Debug)
	m.loggers[c] = made
	return made, err
}

func (m *Main) buildListeners(block *conf.Level) error {
	for _, g := range m.ports.Groups() {
		made := &Listener{Spec: g.Spec, group: g, sites: make(map[listen.Address]*site)}
		for _, s := range g.Sites {
			compiled, err := newSite(s, m.regexes, block.Tree().Warn, m.env.Hostname)
			if err != nil {
				return err
			}
			if compiled.ssl {
				if err := m.secureSite(s); err != nil {
					return err
				}
			}
			made.sites[s.Address] = compiled
			made.own = compiled // the last one is the socket's own
		}
		m.listeners = append(m.listeners, made)
	}
	return nil
}
