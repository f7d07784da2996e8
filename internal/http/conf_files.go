package http

import (
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
)

// filesConf says how files are opened.
type filesConf struct {
	Cache     conf.Setting[*fileCache] // nil: off
	Valid     conf.Setting[time.Duration]
	MinUses   conf.Setting[int]
	Errors    conf.Setting[bool]
	Links     conf.Setting[linkConf]
	useEvents conf.Setting[bool] // accepted without effect
}

var filesFeature = conf.Feature[filesConf]{
	Name: "http_files",
	Doc:  "How files are opened and kept open.",
	Table: conf.Table[filesConf]{
		{Name: "open_file_cache", In: conf.AnyLevel, Args: conf.Take12, Set: (*filesConf).setCache,
			Syntax: "off | max=N [inactive=time]", Default: "off"},
		{Name: "open_file_cache_valid", In: conf.AnyLevel, Args: conf.Take1, Syntax: "time", Default: "60s",
			Set: conf.Sec(func(c *filesConf) *conf.Setting[time.Duration] { return &c.Valid })},
		{Name: "open_file_cache_min_uses", In: conf.AnyLevel, Args: conf.Take1, Syntax: "number", Default: "1",
			Set: conf.Num(func(c *filesConf) *conf.Setting[int] { return &c.MinUses })},
		{Name: "open_file_cache_errors", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *filesConf) *conf.Setting[bool] { return &c.Errors })},
		{Name: "open_file_cache_events", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set:      conf.OnOff(func(c *filesConf) *conf.Setting[bool] { return &c.useEvents }),
			Accepted: "only systems with kqueue tell of changed files"},
		{Name: "disable_symlinks", In: conf.AnyLevel, Args: conf.Take12, Variables: conf.Params("from="), Set: (*filesConf).setLinks,
			Syntax: "off | on [from=part] | if_not_owner [from=part]", Default: "off"},
	},
	Merge: (*filesConf).merge,
}

func (c *filesConf) merge(outer *filesConf) error {
	c.Cache.Inherit(outer.Cache, nil)
	c.Valid.Inherit(outer.Valid, time.Minute)
	c.MinUses.Inherit(outer.MinUses, 1)
	c.Errors.Inherit(outer.Errors, false)
	c.Links.Inherit(outer.Links, linkConf{})
	return nil
}

// setCache reads "off", or "max=N [inactive=time]".
func (c *filesConf) setCache(d *conf.Directive) error {
	if c.Cache.IsSet() {
		return conf.ErrDuplicate
	}
	most, inactive, off := int64(0), time.Minute, false
	for _, arg := range d.Args {
		var err error
		name, value, _ := strings.Cut(arg, "=")
		switch {
		case arg == "off":
			off = true
		case name == "max":
			most, err = conf.ParseNumber(value)
			if err == nil && most == 0 {
				err = conf.ErrInvalidNumber
			}
		case name == "inactive":
			inactive, err = conf.ParseSec(value)
		default:
			err = conf.ErrInvalidNumber
		}
		if err != nil {
			return d.Errorf(`invalid "open_file_cache" parameter "%s"`, arg)
		}
	}
	switch {
	case off:
		return c.Cache.Set(nil)
	case most == 0:
		return d.Errorf(`"open_file_cache" must have the "max" parameter`)
	}
	return c.Cache.Set(newFileCache(int(most), inactive))
}
