package pool

import (
	"fmt"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/pool/nutcracker"
)

// Conf holds the nutcracker directives.
type Conf struct{ files []*file }

// A file is one nutcracker.yml.
type file struct {
	directive *conf.Directive
	name      string
	stats     string // where statistics are read; empty: nowhere
	pools     []*nutcracker.Pool
}

// Feature is the nutcracker directive.
var Feature = conf.Feature[Conf]{
	Name: "pools",
	Doc:  "Pools of Redis and memcached servers, configured by twemproxy's nutcracker.yml.",
	Table: conf.Table[Conf]{
		{Name: "nutcracker", In: conf.Global, Args: conf.Take12, Syntax: "file [stats=address:port]",
			Set: (*Conf).addFile},
	},
}

// Register brings the directives of this package into r.
func Register(r *conf.Registry) { conf.Register(r, Feature) }

func (c *Conf) addFile(d *conf.Directive) error {
	f := &file{directive: d, name: d.Tree().ConfName(d.Args[0])}
	for _, word := range d.Args[1:] {
		value, ok := strings.CutPrefix(word, "stats=")
		if !ok || value == "" {
			return d.Errorf("invalid parameter \"%s\"", word)
		}
		f.stats = value
	}
	for _, other := range c.files {
		if other.name == f.name {
			return conf.ErrDuplicate
		}
	}
	text, err := d.Tree().ReadFile(f.name)
	if err != nil {
		return d.Errorf("open() \"%s\" failed%s", f.name, conf.Errno(err))
	}
	if f.pools, err = nutcracker.Parse(f.name, text); err != nil {
		return err
	}
	c.files = append(c.files, f)
	return nil
}

func (f *file) errorf(line int, format string, args ...any) error {
	return &conf.Error{Msg: fmt.Sprintf(format, args...), File: f.name, Line: line}
}
