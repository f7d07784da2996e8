package sticky

import (
	"os"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/zone"
)

// Conf is what one upstream{} says, and in http{} the list of all that do.
type Conf struct {
	own *plan
	all []*plan
}

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "sticky",
	Doc:  "Sends requests of a session to the same server of an upstream{}.",
	Directives: conf.Table[Conf]{
		{Name: "sticky", In: conf.Upstream, Args: conf.TwoMore, Set: (*Conf).set,
			Syntax: "cookie name [parameters] | route $variable ... | learn parameters"},
	},
	Main: (*Conf).compile,
}

// plan is one directive. It is the [gateway.Sticker] of its upstream{}.
type plan struct {
	at             *conf.Directive
	upstream       string
	lookup, create []name // of variables

	cookie *cookie // nil: there is none
	learn  *learn  // nil: nothing is learned
}

// name is a variable, which is found when all are declared.
type name struct {
	text     string
	variable *http.Variable
}

func (c *Conf) set(d *conf.Directive) (err error) {
	if c.own != nil {
		return conf.ErrDuplicate
	}
	p := &plan{at: d}
	if p.upstream, err = gateway.Stick(d, p); err != nil {
		return err
	}
	c.own = p
	main := ofHTTP(d.Level())
	switch d.Args[0] {
	case "cookie":
		err = p.setCookie(d)
	case "route":
		err = p.setRoute(d)
	case "learn":
		err = p.setLearn(d, main.all)
	default:
		err = d.Errorf(`unknown parameter "%s"`, d.Args[0])
	}
	main.all = append(main.all, p)
	return err
}

// ofHTTP is the Conf of the http{} around l.
func ofHTTP(l *conf.Level) *Conf {
	for l.Context != conf.Main {
		l = l.Parent
	}
	return conf.Make[Conf](l)
}

func (p *plan) setRoute(d *conf.Directive) error {
	for _, arg := range d.Args[1:] {
		text, ok := strings.CutPrefix(arg, "$")
		if !ok {
			return d.Errorf(`invalid variable name "%s"`, arg)
		}
		p.lookup = append(p.lookup, name{text: text})
	}
	return nil
}

// said is an error that begins with the directive's name.
func said(d *conf.Directive, what string) error { return d.Errorf(`"%s" directive %s`, d.Name, what) }

func (p *plan) setCookie(d *conf.Directive) error {
	if d.Args[1] == "" {
		return said(d, "empty cookie name")
	}
	c := &cookie{at: d, name: d.Args[1], expires: -1}
	p.cookie = c
	p.lookup = []name{{text: "cookie_" + c.name}}
	for _, arg := range d.Args[2:] {
		key, value, has := strings.Cut(arg, "=")
		var err error
		switch {
		case has && key == "domain":
			err = once(d, key, value, &c.domainText)
		case has && key == "path":
			err = once(d, key, value, &c.path)
		case has && key == "expires":
			err = c.setExpires(d, value)
		case has && key == "samesite":
			err = c.setSameSite(d, value)
		case arg == "httponly":
			err = c.setFlag(d, arg, &c.httpOnly)
		case arg == "secure":
			err = c.setFlag(d, arg, &c.secure)
		default:
			err = d.Errorf(`unknown parameter "%s"`, arg)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// once stores the value of a parameter that may stand once.
func once(d *conf.Directive, key, value string, to *string) error {
	switch {
	case *to != "":
		return said(d, `parameter "`+key+`" is duplicate`)
	case value == "":
		return said(d, `no value for "`+key+`"`)
	}
	*to = value
	return nil
}

func (c *cookie) setFlag(d *conf.Directive, key string, to *bool) error {
	if *to {
		return said(d, `parameter "`+key+`" is duplicate`)
	}
	*to = true
	return nil
}

func (c *cookie) setExpires(d *conf.Directive, value string) error {
	if c.expires >= 0 {
		return said(d, `parameter "expires" is duplicate`)
	}
	if value == "max" {
		c.expires = forEver
		return nil
	}
	long, err := conf.ParseSec(value)
	if err != nil {
		return said(d, `invalid "expires" parameter value`)
	}
	c.expires = int64(long / time.Second)
	return nil
}

func (c *cookie) setSameSite(d *conf.Directive, value string) error {
	if c.hasSameSite {
		return said(d, `parameter "samesite" is duplicate`)
	}
	if !strings.Contains(value, "$") && !isSameSite(value) {
		return said(d, `invalid "samesite" parameter value`)
	}
	c.hasSameSite, c.sameSiteText = true, value
	return nil
}

func (p *plan) setLearn(d *conf.Directive, others []*plan) error {
	l := &learn{}
	p.learn = l
	for _, arg := range d.Args[1:] {
		key, value, has := strings.Cut(arg, "=")
		var err error
		switch {
		case has && key == "zone":
			err = l.setZone(d, value)
		case has && key == "timeout":
			err = l.setTimeout(d, value)
		case has && (key == "create" || key == "lookup"):
			text, ok := strings.CutPrefix(value, "$")
			if !ok {
				return said(d, `missing variable in the "`+key+`" parameter`)
			}
			to := &p.create
			if key == "lookup" {
				to = &p.lookup
			}
			*to = append(*to, name{text: text})
		case arg == "header":
			l.afterHeader = true
		default:
			err = d.Errorf(`unknown parameter "%s"`, arg)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case len(p.lookup) == 0:
		return said(d, `"lookup" parameter is not specified`)
	case len(p.create) == 0:
		return said(d, `"create" parameter is not specified`)
	case l.size == 0:
		return said(d, `"zone" parameter is not specified`)
	}
	if l.timeout == 0 {
		l.timeout = 10 * time.Minute
	}
	for _, other := range others {
		if other.learn != nil && other.learn.name == l.name {
			return d.Errorf(`sticky zone "%s" is already used in upstream "%s"`, l.name, other.upstream)
		}
	}
	return nil
}

func (l *learn) setZone(d *conf.Directive, value string) (err error) {
	if l.size != 0 {
		return said(d, "duplicate zone")
	}
	name, size, ok := strings.Cut(value, ":")
	switch {
	case !ok:
		return said(d, "zone size is not specified")
	case name == "":
		return said(d, "zone name is not specified")
	}
	if l.size, err = conf.ParseSize(size); err != nil || l.size > zone.MaxSize {
		return said(d, "invalid zone size")
	}
	if l.size < int64(8*os.Getpagesize()) {
		return said(d, "zone is too small")
	}
	l.name = name
	return nil
}

func (l *learn) setTimeout(d *conf.Directive, value string) error {
	if l.timeout != 0 {
		return said(d, "duplicate timeout")
	}
	var err error
	if l.timeout, err = conf.ParseMsec(value); err != nil || l.timeout == 0 {
		return said(d, "invalid timeout")
	}
	return nil
}

// compile finds the variables and declares the zones.
func (c *Conf) compile(m *http.MainBuilder) error {
	for _, p := range c.all {
		for _, names := range [][]name{p.lookup, p.create} {
			for i := range names {
				var err error
				if names[i].variable, err = m.Lookup(p.at, names[i].text); err != nil {
					return err
				}
			}
		}
		if err := p.cookie.compile(m); err != nil {
			return err
		}
		if l := p.learn; l != nil {
			var err error
			if l.zone, err = m.Zone(p.at, zone.Spec{Name: l.name, Tag: "sticky", Key: p.upstream, Size: l.size}); err != nil {
				return err
			}
		}
	}
	return nil
}
