package headers

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf is what one level adds.
type Conf struct {
	lines           []line
	inherit         conf.Setting[inherit]
	trailers        []line
	trailersInherit conf.Setting[inherit]
	expires         conf.Setting[expiresText]
}

// line is one add_header or add_trailer directive.
type line struct {
	at     *conf.Directive // Args: name, value, perhaps "always"
	always bool
}

// expiresText is one expires directive. A value with variables is read anew for
// each response.
type expiresText struct {
	at       *conf.Directive // nil: off
	modified bool
	text     string
	fixed    expires // when no variable is in text
}

// inherit is the directive add_header_inherit or add_trailer_inherit.
type inherit uint8

const (
	inheritOn    inherit = iota // the enclosing level's lines when this one has none
	inheritOff                  // never
	inheritMerge                // the enclosing level's lines behind this one's
)

var inheritWords = []conf.Choice[inherit]{{Word: "on", V: inheritOn}, {Word: "off", V: inheritOff}, {Word: "merge", V: inheritMerge}}

const levels = conf.AnyLevel | conf.LocationIf

// Feature joins the server by its line in internal/modules, behind notmodified
// and before ranges.
var Feature = http.Feature[Conf]{
	Name: "headers",
	Doc:  "adds lines to the head of responses",
	Directives: conf.Table[Conf]{
		{Name: "add_header", In: levels, Args: conf.Take23, Variables: conf.Arg(1), Set: (*Conf).addLine,
			Syntax: "name value [always]"},
		{Name: "add_trailer", In: levels, Args: conf.Take23, Variables: conf.Arg(1), Set: (*Conf).addTrailer,
			Syntax: "name value [always]"},
		{Name: "add_header_inherit", In: levels, Args: conf.Take1, Syntax: "on | off | merge", Default: "on",
			Set: conf.Enum(inheritWords, func(c *Conf) *conf.Setting[inherit] { return &c.inherit })},
		{Name: "add_trailer_inherit", In: levels, Args: conf.Take1, Syntax: "on | off | merge", Default: "on",
			Set: conf.Enum(inheritWords, func(c *Conf) *conf.Setting[inherit] { return &c.trailersInherit })},
		{Name: "expires", In: levels, Args: conf.Take12, Variables: conf.ArgsFrom(0), Set: (*Conf).setExpires,
			Syntax: "[modified] time | epoch | max | off", Default: "off"},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

func (c *Conf) addLine(d *conf.Directive) error { return add(&c.lines, d) }

func (c *Conf) addTrailer(d *conf.Directive) error { return add(&c.trailers, d) }

func add(lines *[]line, d *conf.Directive) error {
	l := line{at: d}
	if len(d.Args) == 3 {
		if d.Args[2] != "always" {
			return d.Errorf("invalid parameter \"%s\"", d.Args[2])
		}
		l.always = true
	}
	*lines = append(*lines, l)
	return nil
}

func (c *Conf) setExpires(d *conf.Directive) error {
	if c.expires.IsSet() {
		return conf.ErrDuplicate
	}
	e := expiresText{at: d, text: d.Args[0]}
	if len(d.Args) == 2 {
		if d.Args[0] != "modified" {
			return errInvalidValue
		}
		e.modified, e.text = true, d.Args[1]
	}
	if !hasVariables(e.text) {
		fixed, err := parseExpires(e.text, e.modified)
		if err != nil {
			return err
		}
		e.fixed = fixed
	}
	return c.expires.Set(e)
}

func (c *Conf) merge(outer *Conf) error {
	c.expires.Inherit(outer.expires, expiresText{})
	c.inherit.Inherit(outer.inherit, inheritOn)
	c.trailersInherit.Inherit(outer.trailersInherit, inheritOn)
	c.lines = c.inherit.V.merge(c.lines, outer.lines)
	c.trailers = c.trailersInherit.V.merge(c.trailers, outer.trailers)
	return nil
}

// merge gives the lines of a level with lines of its own inside one with outer.
func (i inherit) merge(own, outer []line) []line {
	switch {
	case i == inheritOff:
		return own
	case own == nil:
		return outer
	case i == inheritMerge:
		return append(own, outer...)
	}
	return own
}
