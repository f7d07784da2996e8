package http

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
)

// errorLogConf is the error_log of a level of http{}.
type errorLogConf struct {
	specs      []log.Spec
	Subrequest conf.Setting[bool] // subrequests have a log phase
}

var errorLogFeature = conf.Feature[errorLogConf]{
	Name: "http_error_log",
	Doc:  "Error logs of servers and locations.",
	Table: conf.Table[errorLogConf]{
		{Name: "error_log", In: conf.AnyLevel, Args: conf.OneMore, Set: (*errorLogConf).add,
			Syntax: "file [level]", Default: "logs/error.log error"},
		{Name: "log_subrequest", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *errorLogConf) *conf.Setting[bool] { return &c.Subrequest })},
	},
	Merge: func(c, outer *errorLogConf) error {
		if c.specs == nil {
			c.specs = outer.specs
		}
		c.Subrequest.Inherit(outer.Subrequest, false)
		return nil
	},
}

func (c *errorLogConf) add(d *conf.Directive) error {
	spec, err := log.ParseErrorLog(d.Args, d.Tree().LookupHost)
	if err != nil {
		return d.Errorf("%v", err)
	}
	if spec.Path != "" {
		spec.Path = d.Tree().FullName(spec.Path)
	}
	c.specs = append(c.specs, spec)
	return nil
}
