package http

import "github.com/baton-project/baton/internal/conf"

// blockConf holds the http{} block itself; it stands at the outermost level.
type blockConf struct {
	block *conf.Level
}

var blockFeature = conf.Feature[blockConf]{
	Name: "http",
	Doc:  "The block that holds every HTTP server.",
	Table: conf.Table[blockConf]{
		{Name: "http", In: conf.Global, Args: conf.Block | conf.NoArgs, Set: (*blockConf).enter, Syntax: "{ ... }"},
	},
}

func (c *blockConf) enter(d *conf.Directive) error {
	if c.block != nil {
		return conf.ErrDuplicate
	}
	var err error
	c.block, err = d.Enter(conf.Main)
	return err
}

// Block is the level of http{} in a configuration; nil when there is none.
func Block(tree *conf.Tree) *conf.Level {
	if c := conf.Own[blockConf](tree.Root); c != nil {
		return c.block
	}
	return nil
}

// Register makes the core's directives and those of the features known to reg.
func Register(reg *conf.Registry, features []Module) {
	conf.Register(reg, blockFeature)
	conf.Register(reg, serverFeature)
	conf.Register(reg, pathFeature)
	conf.Register(reg, exceptFeature)
	conf.Register(reg, connFeature)
	conf.Register(reg, http2Feature)
	conf.Register(reg, bodyFeature)
	conf.Register(reg, answerFeature)
	conf.Register(reg, gzipFeature)
	conf.Register(reg, filesFeature)
	conf.Register(reg, resolverFeature)
	conf.Register(reg, errorLogFeature)
	for _, f := range features {
		f.Register(reg)
	}
}
