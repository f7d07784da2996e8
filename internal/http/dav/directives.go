package dav

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Conf is what one level lets clients do.
type Conf struct {
	methods  conf.Setting[h1.Method]
	access   conf.Setting[uint32]
	minDepth conf.Setting[int]
	fullPath conf.Setting[bool]
}

// Feature joins the server by its line in internal/modules, before the handlers that
// answer with files.
var Feature = http.Feature[Conf]{
	Name: "dav",
	Doc:  "lets clients put, remove, copy and move files",
	Directives: conf.Table[Conf]{
		{Name: "dav_methods", In: conf.AnyLevel, Args: conf.OneMore, Set: (*Conf).addMethods,
			Syntax: "off | PUT | DELETE | MKCOL | COPY | MOVE ...", Default: "off"},
		{Name: "create_full_put_path", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.fullPath })},
		{Name: "min_delete_depth", In: conf.AnyLevel, Args: conf.Take1, Syntax: "number", Default: "0",
			Set: conf.Num(func(c *Conf) *conf.Setting[int] { return &c.minDepth })},
		{Name: "dav_access", In: conf.AnyLevel, Args: conf.Take123, Syntax: "users:permissions ...", Default: "user:rw",
			Set: conf.Access(func(c *Conf) *conf.Setting[uint32] { return &c.access })},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

// off is "dav_methods off": a method that no word stands for.
const off = h1.CONNECT

var methods = []conf.Choice[h1.Method]{{Word: "off", V: off}, {Word: "PUT", V: h1.PUT}, {Word: "DELETE", V: h1.DELETE},
	{Word: "MKCOL", V: h1.MKCOL}, {Word: "COPY", V: h1.COPY}, {Word: "MOVE", V: h1.MOVE}}

// addMethods adds to what an earlier directive of the level has said.
func (c *Conf) addMethods(d *conf.Directive) error {
	sum := c.methods.V
	for _, arg := range d.Args {
		method := h1.Method(0)
		for _, m := range methods {
			if strings.EqualFold(m.Word, arg) {
				method = m.V
			}
		}
		switch {
		case method == 0:
			return d.Errorf(`invalid value "%s"`, arg)
		case sum&method != 0:
			d.Warnf(`duplicate value "%s"`, arg)
		}
		sum |= method
	}
	c.methods = conf.Setting[h1.Method]{}
	return c.methods.Set(sum)
}

func (c *Conf) merge(outer *Conf) error {
	c.methods.Inherit(outer.methods, off)
	c.access.Inherit(outer.access, 0o600)
	c.minDepth.Inherit(outer.minDepth, 0)
	c.fullPath.Inherit(outer.fullPath, false)
	return nil
}

func (c *Conf) install(b *http.Builder) error {
	if c.methods.V&^off == 0 {
		return nil
	}
	if c.methods.V&h1.PUT != 0 {
		b.BuffersBody()
	}
	b.Phase(http.Content, c.serve)
	return nil
}
