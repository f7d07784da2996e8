package upstream

import (
	"net/netip"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/variable"
)

// Targets are the upstreams of one block as its *_pass directives name them, with
// the texts that methods choose by. The zero Targets are empty. S is what has the
// variables of these texts.
type Targets[S variable.Subject] struct {
	Set   Set
	known map[*Config]*Target[S]
}

// A Target is an upstream{} or an address.
type Target[S variable.Subject] struct {
	config *Config
	key    *variable.Value[S] // of the method hash; nil: it has none
}

// Group is the peers of the target, once the configuration is compiled.
func (t *Target[S]) Group() *Group { return t.config.Group() }

// Config is what the configuration says of the target.
func (t *Target[S]) Config() *Config { return t.config }

// Name is how the configuration calls the target, without a port.
func (t *Target[S]) Name() string { return t.config.Name }

// Key is what the target's method chooses by for s, a client with this address.
func (t *Target[S]) Key(s S, client netip.Addr) Key {
	return Key{Client: client, Text: t.key.Eval(s)}
}

// Refer finds or makes the target of an address; see [Set.Refer].
func (ts *Targets[S]) Refer(d *conf.Directive, text string, defaultPort uint16) (t *Target[S], uri string, err error) {
	config, uri, err := ts.Set.Refer(d, text, defaultPort)
	if err != nil {
		return nil, "", err
	}
	return ts.of(config), uri, nil
}

func (ts *Targets[S]) of(config *Config) *Target[S] {
	t := ts.known[config]
	if t == nil {
		if ts.known == nil {
			ts.known = make(map[*Config]*Target[S])
		}
		t = &Target[S]{config: config}
		ts.known[config] = t
	}
	return t
}

// Find returns the target that a URL stands for which was made at run time; nil:
// the URL's own addresses count.
func (ts *Targets[S]) Find(u *URL) *Target[S] {
	if config := ts.Set.Find(u); config != nil {
		return ts.known[config]
	}
	return nil
}

// Compile makes the groups, and the texts that they hash.
func (ts *Targets[S]) Compile(m variable.Declarer[S], env Env) error {
	if err := ts.Set.Compile(env); err != nil {
		return err
	}
	for _, config := range ts.Set.All() {
		t := ts.of(config)
		if config.HashAt == nil {
			continue
		}
		var err error
		if t.key, err = m.Compile(config.HashAt, config.HashKey); err != nil {
			return err
		}
	}
	return nil
}
