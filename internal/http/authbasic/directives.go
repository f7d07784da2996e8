package authbasic

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf is what one level asks for.
type Conf struct {
	realm conf.Setting[*conf.Directive] // auth_basic
	file  conf.Setting[*conf.Directive] // auth_basic_user_file
}

const places = conf.AnyLevel | conf.LimitExcept

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "auth_basic",
	Doc:  "asks for user name and password",
	Directives: conf.Table[Conf]{
		{Name: "auth_basic", In: places, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "string | off", Default: "off",
			Set: keep(func(c *Conf) *conf.Setting[*conf.Directive] { return &c.realm })},
		{Name: "auth_basic_user_file", In: places, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "file",
			Set: keep(func(c *Conf) *conf.Setting[*conf.Directive] { return &c.file })},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

// keep stores the directive itself: its text is compiled at each location.
func keep(field func(*Conf) *conf.Setting[*conf.Directive]) func(*Conf, *conf.Directive) error {
	return func(c *Conf, d *conf.Directive) error { return field(c).Set(d) }
}

func (c *Conf) merge(outer *Conf) error {
	c.realm.Inherit(outer.realm, nil)
	c.file.Inherit(outer.file, nil)
	return nil
}

func (c *Conf) install(b *http.Builder) error {
	if c.realm.V == nil || c.file.V == nil {
		return nil
	}
	realm, err := b.Compile(c.realm.V, c.realm.V.Args[0])
	if err != nil {
		return err
	}
	if text, ok := realm.Literal(); ok && text == "off" {
		return nil
	}
	file, err := b.Compile(c.file.V, c.file.V.Args[0])
	if err != nil {
		return err
	}
	h := &handler{realm: realm, file: file, folder: c.file.V.Tree().ConfName(""), turn: http.Shared[turn](b)}
	b.Phase(http.Access, h.check)
	return nil
}
