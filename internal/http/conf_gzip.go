package http

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/wire/h1"
)

// gzipConf says which clients get compressed answers. gzip, gzip_static and
// gunzip ask for it by [Request.AcceptsGzip].
type gzipConf struct {
	Vary         conf.Setting[bool]
	HTTPVersion  conf.Setting[h1.Version]
	Proxied      conf.Setting[gzipProxied]
	disabled     []*Regex // gzip_disable; nil: inherited
	disableMSIE6 conf.Setting[bool]
}

// gzipProxied is the set of words of gzip_proxied: which answers are compressed
// for a proxy.
type gzipProxied uint16

const (
	proxiedOff gzipProxied = 1 << iota
	proxiedExpired
	proxiedNoCache
	proxiedNoStore
	proxiedPrivate
	proxiedNoLastModified
	proxiedNoETag
	proxiedAuth
	proxiedAny
)

var gzipFeature = conf.Feature[gzipConf]{
	Name: "http_gzip",
	Doc:  "Which clients get compressed answers.",
	Table: conf.Table[gzipConf]{
		{Name: "gzip_vary", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *gzipConf) *conf.Setting[bool] { return &c.Vary })},
		{Name: "gzip_http_version", In: conf.AnyLevel, Args: conf.Take1, Syntax: "1.0 | 1.1", Default: "1.1",
			Set: conf.Enum([]conf.Choice[h1.Version]{{Word: "1.0", V: h1.HTTP10}, {Word: "1.1", V: h1.HTTP11}},
				func(c *gzipConf) *conf.Setting[h1.Version] { return &c.HTTPVersion })},
		{Name: "gzip_proxied", In: conf.AnyLevel, Args: conf.OneMore, Set: (*gzipConf).setProxied, Default: "off",
			Syntax: "off | expired | no-cache | no-store | private | no_last_modified | no_etag | auth | any ..."},
		{Name: "gzip_disable", In: conf.AnyLevel, Args: conf.OneMore, Set: (*gzipConf).addDisabled, Syntax: "regex ..."},
	},
	Merge: (*gzipConf).merge,
}

func (c *gzipConf) merge(outer *gzipConf) error {
	c.Vary.Inherit(outer.Vary, false)
	c.HTTPVersion.Inherit(outer.HTTPVersion, h1.HTTP11)
	c.Proxied.Inherit(outer.Proxied, proxiedOff)
	if c.disabled == nil {
		c.disabled = outer.disabled
	}
	c.disableMSIE6.Inherit(outer.disableMSIE6, false)
	return nil
}

// setProxied adds to the set when the directive stands twice, as in nginx.
func (c *gzipConf) setProxied(d *conf.Directive) error {
	set := c.Proxied.V
	for _, arg := range d.Args {
		bit := proxiedBit(strings.ToLower(arg))
		if bit == 0 {
			return d.Errorf(`invalid value "%s"`, arg)
		}
		if set&bit != 0 {
			d.Warnf(`duplicate value "%s"`, arg)
		}
		set |= bit
	}
	c.Proxied = conf.Setting[gzipProxied]{}
	return c.Proxied.Set(set)
}

func proxiedBit(word string) gzipProxied {
	switch word {
	case "off":
		return proxiedOff
	case "expired":
		return proxiedExpired
	case "no-cache":
		return proxiedNoCache
	case "no-store":
		return proxiedNoStore
	case "private":
		return proxiedPrivate
	case "no_last_modified":
		return proxiedNoLastModified
	case "no_etag":
		return proxiedNoETag
	case "auth":
		return proxiedAuth
	case "any":
		return proxiedAny
	}
	return 0
}

func (c *gzipConf) addDisabled(d *conf.Directive) error {
	if c.disabled == nil {
		c.disabled = []*Regex{} // none at this level hides those of the enclosing one
	}
	for _, arg := range d.Args {
		if arg == "msie6" {
			c.disableMSIE6 = conf.Setting[bool]{}
			_ = c.disableMSIE6.Set(true) // it was cleared just before
			continue
		}
		regex, err := CompileRegex(d, arg, true)
		if err != nil {
			return err
		}
		c.disabled = append(c.disabled, regex)
	}
	return nil
}
