package limitreq

import (
	"math"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/limit"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/zone"
)

// Conf is what one level limits.
type Conf struct {
	zones  []*rateZone // declared in http{}
	limits []limitConf

	LogLevel conf.Setting[log.Level]
	Status   conf.Setting[int]
	DryRun   conf.Setting[bool]
}

// rateZone is one limit_req_zone directive.
type rateZone struct {
	at   *conf.Directive // Args[0] is the key
	spec zone.Spec
	rate limit.Rate  // its Zone is set by declareZones
	key  *http.Value // set by compileKeys
}

// limitConf is one limit_req directive; amounts in thousandths of a request.
type limitConf struct {
	at           *conf.Directive
	zone         string
	burst, delay int64
}

// tag is what zones of this feature are for.
const tag = "limit_req"

// undelayed is a delay parameter that no request exceeds.
const undelayed = math.MaxInt64 / 1000 * 1000

// Feature joins the server by its line in internal/modules, before limitconn.
var Feature = http.Feature[Conf]{
	Name: "limit_req",
	Doc:  "bounds how fast requests come",
	Directives: conf.Table[Conf]{
		{Name: "limit_req_zone", In: conf.Main, Args: conf.Take3, Variables: conf.Arg(0), Set: (*Conf).addZone,
			Syntax: "key zone=name:size rate=rate"},
		{Name: "limit_req", In: conf.AnyLevel, Args: conf.Take123, Set: (*Conf).addLimit,
			Syntax: "zone=name [burst=number] [nodelay | delay=number]"},
		{Name: "limit_req_log_level", In: conf.AnyLevel, Args: conf.Take1, Default: "error",
			Set: conf.Enum(limit.LogLevels(), func(c *Conf) *conf.Setting[log.Level] { return &c.LogLevel })},
		{Name: "limit_req_status", In: conf.AnyLevel, Args: conf.Take1, Default: "503",
			Set: conf.NumBetween(400, 599, func(c *Conf) *conf.Setting[int] { return &c.Status })},
		{Name: "limit_req_dry_run", In: conf.AnyLevel, Args: conf.Flag, Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.DryRun })},
	},
	Merge:   (*Conf).merge,
	Main:    (*Conf).declareZones,
	Declare: (*Conf).compileKeys,
	Install: (*Conf).install,
}

func (c *Conf) merge(outer *Conf) error {
	if c.zones == nil {
		c.zones = outer.zones
	}
	if c.limits == nil {
		c.limits = outer.limits
	}
	c.LogLevel.Inherit(outer.LogLevel, log.Error)
	c.Status.Inherit(outer.Status, 503)
	c.DryRun.Inherit(outer.DryRun, false)
	return nil
}

func (c *Conf) addZone(d *conf.Directive) error {
	z := &rateZone{at: d, spec: zone.Spec{Tag: tag, Key: d.Args[0]}, rate: limit.Rate{PerSecond: 1000}}
	for _, arg := range d.Args[1:] {
		var err error
		switch {
		case strings.HasPrefix(arg, "zone="):
			z.spec.Name, z.spec.Size, err = limit.ParseZone(d, arg)
		case strings.HasPrefix(arg, "rate="):
			z.rate.PerSecond, err = parseRate(d, arg)
		default:
			err = d.Errorf(`invalid parameter "%s"`, arg)
		}
		if err != nil {
			return err
		}
	}
	if z.spec.Name == "" {
		return d.Errorf(`"%s" must have "zone" parameter`, d.Name)
	}
	c.zones = append(c.zones, z)
	return nil
}

// parseRate reads "rate=5r/s", or r/m, in thousandths per second.
func parseRate(d *conf.Directive, arg string) (int64, error) {
	text, perMinute := strings.TrimPrefix(arg, "rate="), false
	if rest, ok := strings.CutSuffix(text, "r/s"); ok {
		text = rest
	} else if rest, ok := strings.CutSuffix(text, "r/m"); ok {
		text, perMinute = rest, true
	}
	n, err := conf.ParseNumber(text)
	if err != nil || n == 0 || n > math.MaxInt64/1000 {
		return 0, d.Errorf(`invalid rate "%s"`, arg)
	}
	if perMinute {
		return n * 1000 / 60, nil
	}
	return n * 1000, nil
}

func (c *Conf) addLimit(d *conf.Directive) error {
	l := limitConf{at: d}
	given := false
	for _, arg := range d.Args {
		var err error
		name, value, _ := strings.Cut(arg, "=")
		switch {
		case strings.HasPrefix(arg, "zone="):
			l.zone, given = value, true
		case strings.HasPrefix(arg, "burst="), strings.HasPrefix(arg, "delay="):
			var n int64
			if n, err = conf.ParseNumber(value); err != nil || n == 0 || n > math.MaxInt64/1000 {
				return d.Errorf(`invalid %s value "%s"`, name, arg)
			}
			if name == "burst" {
				l.burst = n * 1000
			} else {
				l.delay = n * 1000
			}
		case arg == "nodelay":
			l.delay = undelayed
		default:
			return d.Errorf(`invalid parameter "%s"`, arg)
		}
	}
	if !given {
		return d.Errorf(`"%s" must have "zone" parameter`, d.Name)
	}
	for _, other := range c.limits {
		if other.zone == l.zone {
			return conf.ErrDuplicate
		}
	}
	c.limits = append(c.limits, l)
	return nil
}

// declareZones makes the zones known, and the variable.
func (c *Conf) declareZones(m *http.MainBuilder) error {
	for _, z := range c.zones {
		var err error
		if z.rate.Zone, err = m.OwnZone(z.at, z.spec); err != nil {
			return err
		}
	}
	unknown := func(*http.Request) (string, bool) { return "", false }
	return m.Variable(statusVariable, unknown, http.Cacheable)
}

func (c *Conf) compileKeys(m *http.MainBuilder) (err error) {
	for _, z := range c.zones {
		if z.key, err = m.Compile(z.at, z.at.Args[0]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Conf) zoneNamed(name string) *rateZone {
	for _, z := range c.zones {
		if z.spec.Name == name {
			return z
		}
	}
	return nil
}
