package securelink

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf is what makes a link good at one level.
type Conf struct {
	link   conf.Setting[*text] // secure_link: hash and time
	md5    conf.Setting[*text] // secure_link_md5: what is hashed
	secret conf.Setting[string]
}

// text is an argument with variables.
type text struct {
	at    *conf.Directive
	value *http.Value // once compiled
}

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "secure_link",
	Doc:  "checks links that carry a hash of a secret",
	Directives: conf.Table[Conf]{
		{Name: "secure_link", In: conf.AnyLevel, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "expression",
			Set: keep(func(c *Conf) *conf.Setting[*text] { return &c.link })},
		{Name: "secure_link_md5", In: conf.AnyLevel, Args: conf.Take1, Variables: conf.Arg(0), Syntax: "expression",
			Set: keep(func(c *Conf) *conf.Setting[*text] { return &c.md5 })},
		{Name: "secure_link_secret", In: conf.AnyLevel, Args: conf.Take1, Syntax: "word",
			Set: conf.Str(func(c *Conf) *conf.Setting[string] { return &c.secret })},
	},
	Merge: (*Conf).merge,
	Main: func(_ *Conf, m *http.MainBuilder) error {
		if err := m.Variable("secure_link", linkVariable, 0); err != nil {
			return err
		}
		return m.Variable("secure_link_expires", expiresVariable, 0)
	},
	Install: (*Conf).compile,
}

func keep(field func(*Conf) *conf.Setting[*text]) func(*Conf, *conf.Directive) error {
	return func(c *Conf, d *conf.Directive) error { return field(c).Set(&text{at: d}) }
}

func (c *Conf) merge(outer *Conf) error {
	if c.secret.IsSet() {
		if c.link.IsSet() || c.md5.IsSet() {
			return &conf.Error{Msg: `"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5"`}
		}
		return nil
	}
	c.link.Inherit(outer.link, nil)
	c.md5.Inherit(outer.md5, nil)
	if c.link.V == nil && c.md5.V == nil {
		c.secret = outer.secret
	}
	return nil
}

// compile compiles the texts, which levels below share: it is done once, and
// after every feature has declared its variables.
func (c *Conf) compile(b *http.Builder) (err error) {
	for _, t := range []*text{c.link.V, c.md5.V} {
		if t != nil && t.value == nil {
			if t.value, err = b.Compile(t.at, t.at.Args[0]); err != nil {
				return err
			}
		}
	}
	return nil
}
