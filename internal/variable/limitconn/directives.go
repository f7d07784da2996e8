package limitconn

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/limit"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/variable"
	"github.com/baton-project/baton/internal/zone"
)

// Conf is what one level limits.
type Conf[S Subject] struct {
	zones  []*countZone[S] // declared at the outermost level
	limits []limitConf

	LogLevel conf.Setting[log.Level]
	DryRun   conf.Setting[bool]
}

// countZone is one limit_conn_zone directive.
type countZone[S Subject] struct {
	at    *conf.Directive // Args[0] is the key
	spec  zone.Spec
	count limit.Count        // its Zone is set by DeclareZones
	key   *variable.Value[S] // set by CompileKeys
}

// limitConf is one limit_conn directive.
type limitConf struct {
	at   *conf.Directive
	zone string
	max  int
}

// A Subject is what is counted.
type Subject interface {
	variable.Subject
	LogEnabled(level log.Level) bool
	// OnEnd has f called when the subject has ended.
	OnEnd(f func())
}

// Table lists the directives: limit_conn_zone in context main, the others in
// context in. at finds the Conf in the feature's settings.
func Table[C any, S Subject](main, in conf.Context, at func(*C) *Conf[S]) conf.Table[C] {
	return conf.Table[C]{
		{Name: "limit_conn_zone", In: main, Args: conf.Take2, Variables: conf.Arg(0), Syntax: "key zone=name:size",
			Set: func(c *C, d *conf.Directive) error { return at(c).addZone(d) }},
		{Name: "limit_conn", In: in, Args: conf.Take2, Syntax: "zone number",
			Set: func(c *C, d *conf.Directive) error { return at(c).addLimit(d) }},
		{Name: "limit_conn_log_level", In: in, Args: conf.Take1, Default: "error",
			Set: conf.Enum(limit.LogLevels(), func(c *C) *conf.Setting[log.Level] { return &at(c).LogLevel })},
		{Name: "limit_conn_dry_run", In: in, Args: conf.Flag, Default: "off",
			Set: conf.OnOff(func(c *C) *conf.Setting[bool] { return &at(c).DryRun })},
	}
}

// Merge fills what c left unset from the enclosing level.
func (c *Conf[S]) Merge(outer *Conf[S]) error {
	if c.zones == nil {
		c.zones = outer.zones
	}
	if c.limits == nil {
		c.limits = outer.limits
	}
	c.LogLevel.Inherit(outer.LogLevel, log.Error)
	c.DryRun.Inherit(outer.DryRun, false)
	return nil
}

func (c *Conf[S]) addZone(d *conf.Directive) error {
	z := &countZone[S]{at: d, spec: zone.Spec{Key: d.Args[0]}}
	arg := d.Args[1]
	if !strings.HasPrefix(arg, "zone=") {
		return d.Errorf(`invalid parameter "%s"`, arg)
	}
	var err error
	if z.spec.Name, z.spec.Size, err = limit.ParseZone(d, arg); err != nil {
		return err
	}
	if z.spec.Name == "" {
		return d.Errorf(`"%s" must have "zone" parameter`, d.Name)
	}
	c.zones = append(c.zones, z)
	return nil
}

func (c *Conf[S]) addLimit(d *conf.Directive) error {
	for _, other := range c.limits {
		if other.zone == d.Args[0] {
			return conf.ErrDuplicate
		}
	}
	n, err := conf.ParseNumber(d.Args[1])
	switch {
	case err != nil || n == 0:
		return d.Errorf(`invalid number of connections "%s"`, d.Args[1])
	case n > limit.MaxCount:
		return d.Errorf("connection limit must be less 65536")
	}
	c.limits = append(c.limits, limitConf{at: d, zone: d.Args[0], max: int(n)})
	return nil
}

// DeclareZones makes the zones known, which are for tag, and the variable.
func (c *Conf[S]) DeclareZones(m variable.Declarer[S], zones *zone.Set, tag string) error {
	for _, z := range c.zones {
		z.spec.Tag = tag
		var err error
		if z.count.Zone, err = limit.DeclareOwn(zones, z.at, z.spec); err != nil {
			return err
		}
	}
	return m.Variable(statusVariable, variable.Missing[S], variable.Cacheable)
}

// CompileKeys compiles what is counted by.
func (c *Conf[S]) CompileKeys(m variable.Declarer[S]) (err error) {
	for _, z := range c.zones {
		if z.key, err = m.Compile(z.at, z.at.Args[0]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Conf[S]) zoneNamed(name string) *countZone[S] {
	for _, z := range c.zones {
		if z.spec.Name == name {
			return z
		}
	}
	return nil
}
