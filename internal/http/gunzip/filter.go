package gunzip

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf says whether one level decodes.
type Conf struct {
	On      conf.Setting[bool]
	buffers conf.Setting[conf.Buffers] // accepted without effect
}

// Feature joins the server by its line in internal/modules, before the filters
// that change the text of a body, and before gzip.
var Feature = http.Feature[Conf]{
	Name: "gunzip",
	Doc:  "decodes compressed answers for clients that cannot take them",
	Directives: conf.Table[Conf]{
		{Name: "gunzip", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.On })},
		{Name: "gunzip_buffers", In: conf.AnyLevel, Args: conf.Take2, Syntax: "number size",
			Set:      conf.Bufs(func(c *Conf) *conf.Setting[conf.Buffers] { return &c.buffers }),
			Accepted: "decoded bytes are passed on in pieces of one size"},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

func (c *Conf) merge(outer *Conf) error {
	c.On.Inherit(outer.On, false)
	return nil
}

func (c *Conf) install(b *http.Builder) error {
	if c.On.V {
		f := filter{http.Shared[pool](b)}
		b.HeaderFilter(f.apply)
	}
	return nil
}

// filter is the header filter of one location.
type filter struct{ pool *pool }

// apply decodes what is encoded once, by gzip, if the client cannot.
func (f filter) apply(r *http.Request) http.Result {
	o := &r.Out
	encoding, ok := o.Headers.Lookup("Content-Encoding")
	if !ok || !strings.EqualFold(encoding, "gzip") {
		return http.Declined
	}
	r.VariesByGzip()
	if r.AcceptsGzip() {
		return http.Declined
	}
	o.Headers.Del("Content-Encoding")
	o.WillChangeSize()
	r.WeakenETag()
	if !o.HeadersOnly {
		r.Filter(func(next http.Sink) http.Sink { return &sink{r: r, next: next, pool: f.pool} })
	}
	return http.Declined
}
