package stream

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/resolve"
)

// levels are where most directives stand.
const levels = conf.StreamMain | conf.StreamServer

// blockConf holds the stream{} block itself; it stands at the outermost level.
type blockConf struct {
	block *conf.Level
}

var blockFeature = conf.Feature[blockConf]{
	Name: "stream",
	Doc:  "The block that holds every server of layer four.",
	Table: conf.Table[blockConf]{
		{Name: "stream", In: conf.Global, Args: conf.Block | conf.NoArgs, Set: (*blockConf).enter, Syntax: "{ ... }"},
	},
}

func (c *blockConf) enter(d *conf.Directive) error {
	if c.block != nil {
		return conf.ErrDuplicate
	}
	var err error
	c.block, err = d.Enter(conf.StreamMain)
	return err
}

// Block is the level of stream{} in a configuration; nil when there is none.
func Block(tree *conf.Tree) *conf.Level {
	if c := conf.Own[blockConf](tree.Root); c != nil {
		return c.block
	}
	return nil
}

// resolverConf is who is asked for addresses at run time.
type resolverConf struct{ resolve.Conf }

var resolverFeature = conf.Feature[resolverConf]{
	Name:  "stream_resolver",
	Doc:   "Name servers that are asked for addresses at run time.",
	Table: resolve.Table(levels, func(c *resolverConf) *resolve.Conf { return &c.Conf }),
	Merge: func(c, outer *resolverConf) error {
		c.Conf.Merge(&outer.Conf)
		return nil
	},
}

// errorLogConf is the error_log of a level.
type errorLogConf struct {
	specs []log.Spec
}

var errorLogFeature = conf.Feature[errorLogConf]{
	Name: "stream_error_log",
	Doc:  "Error logs of servers of layer four.",
	Table: conf.Table[errorLogConf]{
		{Name: "error_log", In: levels, Args: conf.OneMore, Set: (*errorLogConf).add,
			Syntax: "file [level]", Default: "logs/error.log error"},
	},
	Merge: func(c, outer *errorLogConf) error {
		if c.specs == nil {
			c.specs = outer.specs
		}
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
