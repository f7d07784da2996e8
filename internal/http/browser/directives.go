package browser

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf is what one level takes for modern and for ancient.
type Conf struct {
	modern         []browser // by kind once merged
	unlistedModern bool
	ancient        []string // parts of names
	netscape4      bool     // ancient is also Mozilla/1 to 4
	modernValue    conf.Setting[string]
	ancientValue   conf.Setting[string]
}

// browser is a modern one.
type browser struct {
	kind    int    // index of kinds
	version uint64 // the first modern one, as parseVersion counts
}

// kinds are the browsers known, in the order in which they are looked for:
// Opera calls itself MSIE, too.
var kinds = [...]struct {
	name   string // in the configuration
	skip   int    // bytes of the header before mark can stand
	mark   string // what stands before the version
	behind int    // bytes from mark to the version
}{
	{"opera", 0, "Opera", len("Opera ")},
	{"msie", len("Mozilla/4.0 (compatible; "), "MSIE ", len("MSIE ")},
	{"gecko", len("Mozilla/5.0 ("), "rv:", len("rv:")},
	{"safari", len("Mozilla/5.0 ("), "Safari/", len("Safari/")},
	{"konqueror", len("Mozilla/5.0 (compatible; "), "Konqueror/", len("Konqueror/")},
}

const opera = 0 // index of kinds

// never is a version that no browser has.
const never = 4001000000

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "browser",
	Doc:  "tells modern browsers from ancient ones",
	Directives: conf.Table[Conf]{
		{Name: "modern_browser", In: conf.AnyLevel, Args: conf.Take12, Set: (*Conf).addModern, Syntax: "browser version | unlisted"},
		{Name: "ancient_browser", In: conf.AnyLevel, Args: conf.OneMore, Set: (*Conf).addAncient, Syntax: "string ..."},
		{Name: "modern_browser_value", In: conf.AnyLevel, Args: conf.Take1, Syntax: "string", Default: "1",
			Set: last(func(c *Conf) *conf.Setting[string] { return &c.modernValue })},
		{Name: "ancient_browser_value", In: conf.AnyLevel, Args: conf.Take1, Syntax: "string", Default: "1",
			Set: last(func(c *Conf) *conf.Setting[string] { return &c.ancientValue })},
	},
	Merge: (*Conf).merge,
	Main:  func(_ *Conf, m *http.MainBuilder) error { return declare(m) },
}

// last lets the last directive of a level win, as nginx does here.
func last(field func(*Conf) *conf.Setting[string]) func(*Conf, *conf.Directive) error {
	return func(c *Conf, d *conf.Directive) error {
		s := field(c)
		*s = conf.Setting[string]{}
		return s.Set(d.Args[0])
	}
}

func (c *Conf) addModern(d *conf.Directive) error {
	if len(d.Args) == 1 {
		if d.Args[0] != "unlisted" {
			return d.Errorf(`unknown browser name "%s"`, d.Args[0])
		}
		c.unlistedModern = true
		return nil
	}
	for kind := range kinds {
		if !strings.EqualFold(kinds[kind].name, d.Args[0]) {
			continue
		}
		version, end := parseVersion(d.Args[1], math.MaxUint64)
		if end < len(d.Args[1]) {
			return d.Errorf(`invalid browser version "%s"`, d.Args[1])
		}
		c.modern = append(c.modern, browser{kind, version})
		return nil
	}
	return d.Errorf(`unknown browser name "%s"`, d.Args[0])
}

func (c *Conf) addAncient(d *conf.Directive) error {
	for _, text := range d.Args {
		if text == "netscape4" {
			c.netscape4 = true
		} else {
			c.ancient = append(c.ancient, text)
		}
	}
	return nil
}

func (c *Conf) merge(outer *Conf) error {
	switch {
	case c.modern == nil && !c.unlistedModern:
		c.modern, c.unlistedModern = outer.modern, outer.unlistedModern
	case c.modern != nil:
		if !slices.ContainsFunc(c.modern, func(b browser) bool { return b.kind == opera }) {
			c.modern = append(c.modern, browser{opera, never})
		}
		slices.SortStableFunc(c.modern, func(a, b browser) int { return cmp.Compare(a.kind, b.kind) })
	}
	if c.ancient == nil && !c.netscape4 {
		c.ancient, c.netscape4 = outer.ancient, outer.netscape4
	}
	c.modernValue.Inherit(outer.modernValue, "1")
	c.ancientValue.Inherit(outer.ancientValue, "1")
	return nil
}
