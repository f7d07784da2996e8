package upstream

import (
	"os"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/zone"
)

// Table returns the directives that stand in an upstream{} in context in, which
// is [conf.Upstream] or [conf.StreamUpstream]. of finds the Config in the
// feature's settings of that level, where the function attach of [Set.Block] has
// put it.
func Table[C any](in conf.Context, of func(*C) *Config) conf.Table[C] {
	http := in == conf.Upstream
	set := func(f func(*Config, *conf.Directive) error) func(*C, *conf.Directive) error {
		return func(c *C, d *conf.Directive) error { return f(of(c), d) }
	}
	port, metrics := uint16(0), "connect | first_byte | last_byte [inflight]"
	if http {
		port, metrics = 80, "header | last_byte [inflight]"
	}
	t := conf.Table[C]{
		{Name: "server", In: in, Args: conf.OneMore, Syntax: "address [parameters]",
			Set: set(func(c *Config, d *conf.Directive) error { return c.addServer(d, port) })},
		{Name: "zone", In: in, Args: conf.Take12, Syntax: "name [size]", Set: set((*Config).setZone)},
		{Name: "hash", In: in, Args: conf.Take12, Variables: conf.Arg(0), Syntax: "key [consistent]", Set: set((*Config).setHash)},
		{Name: "least_conn", In: in, Args: conf.NoArgs, Set: set(func(c *Config, d *conf.Directive) error {
			return c.setMethod(d, LeastConn)
		})},
		{Name: "random", In: in, Args: conf.NoArgs | conf.Take12, Syntax: "[two [least_conn]]", Set: set((*Config).setRandom)},
		{Name: "least_time", In: in, Args: conf.Take12, Syntax: metrics,
			Set: set(func(c *Config, d *conf.Directive) error { return c.setLeastTime(d, http) })},
		{Name: "resolver", In: in, Args: conf.OneMore,
			Syntax: "address ... [valid=time] [ipv4=on|off] [ipv6=on|off] [status_zone=zone]",
			Set:    set((*Config).setResolver)},
		{Name: "resolver_timeout", In: in, Args: conf.Take1, Syntax: "time", Default: "30s",
			Set: conf.Msec(func(c *C) *conf.Setting[time.Duration] { return &of(c).ResolverTimeout })},
	}
	if http {
		t = append(t, httpTable(in, of, set)...)
	}
	return t
}

// httpTable is what stream{} does not have.
func httpTable[C any](in conf.Context, of func(*C) *Config,
	set func(func(*Config, *conf.Directive) error) func(*C, *conf.Directive) error) conf.Table[C] {
	keepalive := func(c *C) *KeepaliveConfig { return &of(c).Keepalive }
	return conf.Table[C]{
		{Name: "ip_hash", In: in, Args: conf.NoArgs, Set: set(func(c *Config, d *conf.Directive) error {
			return c.setMethod(d, IPHash)
		})},
		{Name: "keepalive", In: in, Args: conf.Take12, Syntax: "connections [local]", Default: "32 local",
			Set: set((*Config).setKeepalive)},
		{Name: "keepalive_requests", In: in, Args: conf.Take1, Syntax: "number", Default: "1000",
			Set: conf.Num(func(c *C) *conf.Setting[int] { return &keepalive(c).Requests })},
		{Name: "keepalive_time", In: in, Args: conf.Take1, Syntax: "time", Default: "1h",
			Set: conf.Msec(func(c *C) *conf.Setting[time.Duration] { return &keepalive(c).Time })},
		{Name: "keepalive_timeout", In: in, Args: conf.Take1, Syntax: "timeout", Default: "60s",
			Set: conf.Msec(func(c *C) *conf.Setting[time.Duration] { return &keepalive(c).Timeout })},
	}
}

func (c *Config) setMethod(d *conf.Directive, m Method) error {
	if c.hasMethod {
		d.Warnf("load balancing method redefined")
	}
	c.Method, c.hasMethod = m, true
	return nil
}

func (c *Config) setHash(d *conf.Directive) error {
	m := Hash
	if len(d.Args) == 2 {
		if d.Args[1] != "consistent" {
			return d.Errorf(`invalid parameter "%s"`, d.Args[1])
		}
		m = ConsistentHash
	}
	c.HashKey, c.HashAt = d.Args[0], d
	return c.setMethod(d, m)
}

func (c *Config) setRandom(d *conf.Directive) error {
	m := Random
	if len(d.Args) > 0 {
		if d.Args[0] != "two" {
			return d.Errorf(`invalid parameter "%s"`, d.Args[0])
		}
		m = RandomTwo
	}
	if len(d.Args) > 1 && d.Args[1] != "least_conn" {
		return d.Errorf(`invalid parameter "%s"`, d.Args[1])
	}
	return c.setMethod(d, m)
}

// setLeastTime is least_time.
func (c *Config) setLeastTime(d *conf.Directive, http bool) error {
	if err := c.setMethod(d, LeastTime); err != nil {
		return err
	}
	if len(d.Args) > 1 {
		if d.Args[1] != "inflight" {
			return d.Errorf(`invalid parameter "%s"`, d.Args[1])
		}
		c.Inflight = true
	}
	if c.Metric != NoMetric {
		return conf.ErrDuplicate
	}
	switch word := strings.ToLower(d.Args[0]); {
	case word == "last_byte":
		c.Metric = TimeToLast
	case http && word == "header", !http && word == "first_byte":
		c.Metric = TimeToFirst
	case !http && word == "connect":
		c.Metric = TimeToConnect
	default:
		return d.Errorf(`invalid value "%s"`, d.Args[0])
	}
	return nil
}

func (c *Config) setKeepalive(d *conf.Directive) error {
	if c.Keepalive.Max.IsSet() {
		return conf.ErrDuplicate
	}
	n, err := conf.ParseNumber(d.Args[0])
	if err != nil {
		return d.Errorf(`invalid value "%s" in "%s" directive`, d.Args[0], d.Name)
	}
	if len(d.Args) == 2 {
		if d.Args[1] != "local" {
			return d.Errorf(`invalid parameter "%s"`, d.Args[1])
		}
		c.Keepalive.Local = true
	}
	return c.Keepalive.Max.Set(int(n))
}

func (c *Config) setZone(d *conf.Directive) error {
	name := d.Args[0]
	if name == "" {
		return d.Errorf(`invalid zone name "%s"`, name)
	}
	var size int64
	if len(d.Args) == 2 {
		var err error
		size, err = conf.ParseSize(d.Args[1])
		switch {
		case err != nil || size > zone.MaxSize:
			return d.Errorf(`invalid zone size "%s"`, d.Args[1])
		case size < int64(8*os.Getpagesize()):
			return d.Errorf(`zone "%s" is too small`, name)
		}
	}
	c.ZoneName, c.ZoneSize, c.ZoneAt = name, size, d
	return nil
}

func (c *Config) setResolver(d *conf.Directive) error {
	if c.ResolverAt != nil {
		return conf.ErrDuplicate
	}
	c.Resolver, c.ResolverAt = d.Args, d
	return nil
}
