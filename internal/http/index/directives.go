package index

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf is the list of index files of one level.
type Conf struct {
	files []file // in document order; several directives add up
}

// file is one argument of index. value is compiled at Install.
type file struct {
	text string
	at   *conf.Directive
}

// Feature joins the server by its line in internal/modules, before static.
var Feature = http.Feature[Conf]{
	Name: "index",
	Doc:  "answers a request for a directory by its index file",
	Directives: conf.Table[Conf]{
		{Name: "index", In: conf.AnyLevel, Args: conf.OneMore, Variables: conf.ArgsFrom(0), Set: (*Conf).addFiles,
			Syntax: "file ...", Default: "index.html"},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

func (c *Conf) addFiles(d *conf.Directive) error {
	for i, name := range d.Args {
		if strings.HasPrefix(name, "/") && i != len(d.Args)-1 {
			d.Warnf("only the last index in \"index\" directive should be absolute")
		}
		if name == "" {
			return d.Errorf("index \"%s\" in \"index\" directive is invalid", name)
		}
		c.files = append(c.files, file{text: name, at: d})
	}
	return nil
}

// merge takes over the enclosing level's list when this one has none.
func (c *Conf) merge(outer *Conf) error {
	if c.files == nil {
		c.files = outer.files
	}
	return nil
}

func (c *Conf) install(b *http.Builder) error {
	h := &handler{files: make([]*http.Value, 0, len(c.files))}
	for _, f := range c.files {
		value, err := b.Compile(f.at, f.text)
		if err != nil {
			return err
		}
		h.files = append(h.files, value)
	}
	if len(h.files) == 0 {
		value, err := b.Compile(nil, "index.html")
		if err != nil {
			return err
		}
		h.files = append(h.files, value)
	}
	b.Phase(http.Content, h.serve)
	return nil
}
