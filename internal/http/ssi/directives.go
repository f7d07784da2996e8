package ssi

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Conf says what one level processes.
type Conf struct {
	On           conf.Setting[bool]
	SilentErrors conf.Setting[bool]
	LastModified conf.Setting[bool]
	ValueLength  conf.Setting[int64]
	Types        http.TypeSet

	minFileChunk   conf.Setting[int64] // without effect
	ignoreRecycled conf.Setting[bool]  // without effect
}

// Feature joins the server by its line in internal/modules, behind charset and
// before gzip.
var Feature = http.Feature[Conf]{
	Name: "ssi",
	Doc:  "processes the commands of server side includes in answers",
	Directives: conf.Table[Conf]{
		{Name: "ssi", In: conf.AnyLevel | conf.LocationIf, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.On })},
		{Name: "ssi_silent_errors", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.SilentErrors })},
		{Name: "ssi_last_modified", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.LastModified })},
		{Name: "ssi_value_length", In: conf.AnyLevel, Args: conf.Take1, Syntax: "length", Default: "256",
			Set: conf.Size(func(c *Conf) *conf.Setting[int64] { return &c.ValueLength })},
		{Name: "ssi_types", In: conf.AnyLevel, Args: conf.OneMore, Set: (*Conf).addTypes, Syntax: "mime-type ...", Default: "text/html"},
		{Name: "ssi_min_file_chunk", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size", Default: "1k",
			Set:      conf.Size(func(c *Conf) *conf.Setting[int64] { return &c.minFileChunk }),
			Accepted: "parts of files go through memory"},
		{Name: "ssi_ignore_recycled_buffers", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set:      conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.ignoreRecycled }),
			Accepted: "buffers are not recycled here"},
	},
	Merge:   (*Conf).merge,
	Main:    (*Conf).declare,
	Install: (*Conf).install,
}

func (c *Conf) addTypes(d *conf.Directive) error {
	c.Types.Add(d, "text/html")
	return nil
}

func (c *Conf) merge(outer *Conf) error {
	c.On.Inherit(outer.On, false)
	c.SilentErrors.Inherit(outer.SilentErrors, false)
	c.LastModified.Inherit(outer.LastModified, false)
	c.ValueLength.Inherit(outer.ValueLength, 255)
	c.Types.Inherit(outer.Types, "text/html")
	return nil
}

// declare makes the variables of the time known.
func (c *Conf) declare(m *http.MainBuilder) error {
	if err := m.Variable("date_local", dateLocal, 0); err != nil {
		return err
	}
	return m.Variable("date_gmt", dateGMT, 0)
}

func (c *Conf) install(b *http.Builder) error {
	if c.On.V {
		b.HeaderFilter(c.apply)
	}
	return nil
}

// apply has answers of the right type processed.
func (c *Conf) apply(r *http.Request) http.Result {
	o := &r.Out
	if o.ContentLength == 0 || !c.Types.Has(o.ContentType) {
		return http.Declined
	}
	if !r.IsSubrequest() {
		o.WillChangeSize()
		if c.LastModified.V {
			r.WeakenETag()
		} else {
			o.LastModified = h1.NoTime
			o.Headers.Del("Last-Modified")
			o.ETag = ""
		}
	}
	if !o.HeadersOnly {
		r.Filter(func(next http.Sink) http.Sink { return newSink(c, r, next) })
	}
	return http.Declined
}
