package authrequest

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf says whom one level asks.
type Conf struct {
	URI       conf.Setting[string] // "": nobody
	variables []*conf.Directive    // auth_request_set; Args: $name and value
}

// Feature joins the server by its line in internal/modules, behind the other
// features of the access phase.
var Feature = http.Feature[Conf]{
	Name: "auth_request",
	Doc:  "lets the answer to a subrequest say who may come in",
	Directives: conf.Table[Conf]{
		{Name: "auth_request", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).setURI, Syntax: "uri | off", Default: "off"},
		{Name: "auth_request_set", In: conf.AnyLevel, Args: conf.Take2, Variables: conf.Arg(1), Set: (*Conf).addVariable, Syntax: "$variable value"},
	},
	Merge:   (*Conf).merge,
	Declare: (*Conf).declare,
	Install: (*Conf).install,
}

func (c *Conf) setURI(d *conf.Directive) error {
	uri := d.Args[0]
	if uri == "off" {
		uri = ""
	}
	return c.URI.Set(uri)
}

func (c *Conf) addVariable(d *conf.Directive) error {
	if name := d.Args[0]; name == "" || name[0] != '$' {
		return d.Errorf(`invalid variable name "%s"`, name)
	}
	c.variables = append(c.variables, d)
	return nil
}

func (c *Conf) merge(outer *Conf) error {
	c.URI.Inherit(outer.URI, "")
	if c.variables == nil {
		c.variables = outer.variables
	}
	return nil
}

// declare makes the variables known, which have no value until they are set.
func (c *Conf) declare(m *http.MainBuilder) error {
	missing := func(*http.Request) (string, bool) { return "", false }
	for _, d := range c.variables {
		if _, err := m.SettableOr(d.Args[0][1:], missing); err != nil {
			return d.Errorf("%v", err)
		}
	}
	return nil
}
