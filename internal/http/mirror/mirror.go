package mirror

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// Conf says where one level sends copies.
type Conf struct {
	URIs []string
	off  bool // "mirror off"
	Body conf.Setting[bool]
}

// Feature joins the server by its line in internal/modules, behind tryfiles.
var Feature = http.Feature[Conf]{
	Name: "mirror",
	Doc:  "sends copies of requests elsewhere and drops the answers",
	Directives: conf.Table[Conf]{
		{Name: "mirror", In: conf.AnyLevel, Args: conf.Take1, Set: (*Conf).add, Syntax: "uri | off", Default: "off"},
		{Name: "mirror_request_body", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.Body })},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

func (c *Conf) add(d *conf.Directive) error {
	if c.off {
		return conf.ErrDuplicate
	}
	if d.Args[0] == "off" {
		if c.URIs != nil {
			return conf.ErrDuplicate
		}
		c.off = true
		return nil
	}
	c.URIs = append(c.URIs, d.Args[0])
	return nil
}

func (c *Conf) merge(outer *Conf) error {
	if c.URIs == nil && !c.off {
		c.URIs, c.off = outer.URIs, outer.off
	}
	c.Body.Inherit(outer.Body, true)
	return nil
}

func (c *Conf) install(b *http.Builder) error {
	if len(c.URIs) == 0 {
		return nil
	}
	if c.Body.V {
		b.BuffersBody()
	}
	b.Phase(http.Precontent, c.copy)
	return nil
}

// copy starts the copies of a client's request.
func (c *Conf) copy(r *http.Request) http.Result {
	if r.IsSubrequest() {
		return http.Declined
	}
	if r.Debugging() {
		r.Logf(log.Debug, "mirror handler")
	}
	if c.Body.V {
		if _, rc := r.BufferBody(); rc != http.Declined {
			return rc
		}
	}
	for _, uri := range c.URIs {
		if !r.Background(http.Subrequest{URI: uri, Args: r.Args, SameMethod: true}) {
			return 500
		}
	}
	return http.Declined
}
