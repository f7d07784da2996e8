package stream

import (
	"reflect"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/resolve"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/variable"
)

// Main is a compiled stream{} block. Nothing in it is written once New has
// returned it; any number of workers may use it.
type Main struct {
	env       *Env
	vars      variable.Registry[*Session]
	features  []Module
	listeners []*Listener
	resolving *resolverConf // of stream{}
	resolvers map[*resolve.Config]*resolve.Resolver
	onStart   []func(now func() time.Time) (stop func())
	carried   []carried

	// What follows serves building only.
	servers []*Server
	loggers map[*errorLogConf]*log.Logger
	regexes map[*Server][]regexName
	ports   listen.Ports[*Server]
	shared  map[reflect.Type]any
	findTLS func(*conf.Level) (*tls.Server, error) // see MainBuilder.TLS
}

// A Listener is one listening socket of the block and whom it serves.
type Listener struct {
	Spec  listen.Spec
	sites map[listen.Address]*site
	own   *site // the address of the socket itself
}

// New compiles the block of a merged configuration. Errors are sentences for the
// user, most of them with "in FILE:LINE".
func New(block *conf.Level, features []Module, env Env) (*Main, error) {
	m := &Main{
		env:       &env,
		vars:      variable.NewRegistry[*Session](),
		features:  features,
		loggers:   make(map[*errorLogConf]*log.Logger),
		regexes:   make(map[*Server][]regexName),
		resolvers: make(map[*resolve.Config]*resolve.Resolver),
		shared:    make(map[reflect.Type]any),
		resolving: conf.Get[resolverConf](block),
	}
	for _, step := range []func(*conf.Level) error{m.compileTexts, m.declare, m.addServers, m.install, m.loadCertificates, m.buildListeners} {
		if err := step(block); err != nil {
			return nil, err
		}
	}
	m.servers, m.loggers, m.regexes, m.shared, m.findTLS = nil, nil, nil, nil, nil
	m.vars.Seal()
	return m, nil
}

// Listeners are the sockets to open, in the order of the configuration.
func (m *Main) Listeners() []*Listener { return m.listeners }

// compileTexts compiles what has variables in it wherever it stands, before anybody
// asks for it: an unknown variable is refused even where the text has no use.
func (m *Main) compileTexts(block *conf.Level) error {
	for _, l := range append([]*conf.Level{block}, block.Children...) {
		if err := m.vars.CompileAll(l.Texts()); err != nil {
			return err
		}
	}
	return nil
}

func (m *Main) declare(block *conf.Level) error {
	b := &MainBuilder{main: m, env: m.env}
	if err := declareCore(b); err != nil {
		return err
	}
	for _, f := range m.features {
		if err := f.declareMain(block, b); err != nil {
			return err
		}
	}
	for _, l := range append([]*conf.Level{block}, block.Children...) {
		for _, f := range m.features {
			if err := f.declare(l, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Main) addServers(block *conf.Level) error {
	for _, l := range block.Children {
		if l.Context != conf.StreamServer {
			continue
		}
		if err := m.addServer(l); err != nil {
			return err
		}
	}
	return nil
}

func (m *Main) addServer(l *conf.Level) error {
	resolving := conf.Get[resolverConf](l)
	s := &Server{conf: conf.Get[serverConf](l), level: l, resolver: m.resolverOf(resolving.Config), timeout: resolving.Timeout.V}
	m.servers = append(m.servers, s)
	if len(s.conf.names) > 0 {
		s.name = s.conf.names[0].text
		if !strings.HasPrefix(s.name, "~") {
			s.name = strings.TrimPrefix(m.plainName(s.name), ".")
		}
	}
	for _, name := range s.conf.names {
		pattern, isRegex := strings.CutPrefix(name.text, "~")
		if !isRegex {
			continue
		}
		regex, err := variable.CompileRegex[*Session](name.directive, pattern, strings.ToLower(pattern) != pattern)
		if err == nil {
			err = regex.Bind(&MainBuilder{main: m, env: m.env})
		}
		if err != nil {
			return err
		}
		m.regexes[s] = append(m.regexes[s], regexName{regex, s})
	}
	for _, at := range s.conf.listens {
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

// install gives every server what features do there.
func (m *Main) install(*conf.Level) error {
	for _, s := range m.servers {
		b := &Builder{main: m, env: m.env, level: s.level, made: s}
		for _, f := range m.features {
			if err := f.install(s.level, b); err != nil {
				return err
			}
		}
		var err error
		if s.logger, err = m.loggerOf(conf.Get[errorLogConf](s.level)); err != nil {
			return err
		}
	}
	return m.vars.Resolve()
}

func (m *Main) loggerOf(c *errorLogConf) (*log.Logger, error) {
	if len(c.specs) == 0 {
		return m.env.Logger, nil
	}
	if made, ok := m.loggers[c]; ok {
		return made, nil
	}
	made, err := m.env.Files.Logger(c.specs)
	m.loggers[c] = made
	return made, err
}

// resolverOf is the resolver of a directive, nil without one. Those of one
// directive share it.
func (m *Main) resolverOf(c *resolve.Config) *resolve.Resolver {
	if c == nil {
		return nil
	}
	made := m.resolvers[c]
	if made == nil {
		made = resolve.New(c, m.env.Logger)
		m.resolvers[c] = made
	}
	return made
}

func (m *Main) buildListeners(block *conf.Level) error {
	for _, g := range m.ports.Groups() {
		made := &Listener{Spec: g.Spec, sites: make(map[listen.Address]*site)}
		for _, s := range g.Sites {
			compiled, err := m.newSite(s, block.Tree().Warn)
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
