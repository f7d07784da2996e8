package userid

import (
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf is how one level knows clients.
type Conf struct {
	mode    conf.Setting[mode]
	service conf.Setting[int]
	name    conf.Setting[string]
	domain  conf.Setting[string]
	path    conf.Setting[string]
	expires conf.Setting[time.Duration] // 0: with the browser's session; forever
	flags   string                      // "; secure" and so on; "" is inherited
	noFlags bool                        // userid_flags off
	p3p     conf.Setting[string]
	mark    conf.Setting[byte] // 0: none
}

type mode uint8

const (
	modeOff mode = iota
	modeLog      // read the cookie only
	modeV1
	modeOn
)

const (
	forever   = time.Duration(-1) // userid_expires max
	noService = -1                // the server's address takes its place
)

// Feature joins the server by its line in internal/modules, behind headers.
var Feature = http.Feature[Conf]{
	Name: "userid",
	Doc:  "gives each client a cookie to know it by again",
	Directives: conf.Table[Conf]{
		{Name: "userid", In: conf.AnyLevel, Args: conf.Take1, Syntax: "on | v1 | log | off", Default: "off",
			Set: conf.Enum([]conf.Choice[mode]{{Word: "off", V: modeOff}, {Word: "log", V: modeLog}, {Word: "v1", V: modeV1}, {Word: "on", V: modeOn}},
				func(c *Conf) *conf.Setting[mode] { return &c.mode })},
		{Name: "userid_service", In: conf.AnyLevel, Args: conf.Take1, Syntax: "number",
			Set: conf.Num(func(c *Conf) *conf.Setting[int] { return &c.service })},
		{Name: "userid_name", In: conf.AnyLevel, Args: conf.Take1, Syntax: "name", Default: "uid",
			Set: conf.Str(func(c *Conf) *conf.Setting[string] { return &c.name })},
		{Name: "userid_domain", In: conf.AnyLevel, Args: conf.Take1, Syntax: "name | none", Default: "none",
			Set: orNone(func(c *Conf) *conf.Setting[string] { return &c.domain })},
		{Name: "userid_path", In: conf.AnyLevel, Args: conf.Take1, Syntax: "path", Default: "/",
			Set: conf.Str(func(c *Conf) *conf.Setting[string] { return &c.path })},
		{Name: "userid_expires", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).setExpires, Syntax: "time | max | off", Default: "off"},
		{Name: "userid_flags", In: conf.AnyLevel, Args: conf.Take123, Set: (*Conf).addFlags,
			Syntax: "off | secure | httponly | samesite=strict | samesite=lax | samesite=none ...", Default: "off"},
		{Name: "userid_p3p", In: conf.AnyLevel, Args: conf.Take1, Syntax: "string | none", Default: "none",
			Set: orNone(func(c *Conf) *conf.Setting[string] { return &c.p3p })},
		{Name: "userid_mark", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).setMark, Syntax: "letter | digit | = | off", Default: "off"},
	},
	Merge:   (*Conf).merge,
	Main:    func(_ *Conf, m *http.MainBuilder) error { return declare(m) },
	Install: (*Conf).install,
}

// orNone stores a text, and "none" as the empty one.
func orNone(field func(*Conf) *conf.Setting[string]) func(*Conf, *conf.Directive) error {
	return func(c *Conf, d *conf.Directive) error {
		text := d.Args[0]
		if text == "none" {
			text = ""
		}
		return field(c).Set(text)
	}
}

func (c *Conf) setExpires(d *conf.Directive) error {
	if c.expires.IsSet() {
		return conf.ErrDuplicate
	}
	switch d.Args[0] {
	case "max":
		return c.expires.Set(forever)
	case "off":
		return c.expires.Set(0)
	}
	age, err := conf.ParseSec(d.Args[0])
	if err != nil {
		return err
	}
	return c.expires.Set(age)
}

func (c *Conf) addFlags(d *conf.Directive) error {
	for _, word := range d.Args {
		flag := "; " + strings.ToLower(word)
		switch flag {
		case "; off":
			c.noFlags = true
			continue
		case "; secure", "; httponly", "; samesite=strict", "; samesite=lax", "; samesite=none":
		default:
			return d.Errorf(`invalid value "%s"`, word)
		}
		if strings.Contains(c.flags+";", flag+";") {
			d.Warnf(`duplicate value "%s"`, word)
			continue
		}
		c.flags += flag
	}
	return nil
}

func (c *Conf) setMark(d *conf.Directive) error {
	if c.mark.IsSet() {
		return conf.ErrDuplicate
	}
	text := d.Args[0]
	if text == "off" {
		return c.mark.Set(0)
	}
	if len(text) != 1 || !isMark(text[0]) {
		return errMark
	}
	return c.mark.Set(text[0])
}

func isMark(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '='
}

func (c *Conf) merge(outer *Conf) error {
	c.mode.Inherit(outer.mode, modeOff)
	c.service.Inherit(outer.service, noService)
	c.name.Inherit(outer.name, "uid")
	c.domain.Inherit(outer.domain, "")
	c.path.Inherit(outer.path, "/")
	c.expires.Inherit(outer.expires, 0)
	if c.flags == "" && !c.noFlags {
		c.flags = outer.flags
	}
	c.p3p.Inherit(outer.p3p, "")
	c.mark.Inherit(outer.mark, 0)
	return nil
}

// install adds the filter where cookies are set.
func (c *Conf) install(b *http.Builder) error {
	if c.mode.V < modeV1 {
		return nil
	}
	set, err := b.Variable(nil, "uid_set")
	if err != nil {
		return err
	}
	f := &filter{conf: c, set: set}
	b.ClientFilter(f.apply)
	return nil
}
