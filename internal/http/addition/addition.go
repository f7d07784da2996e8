package addition

import (
	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf says what one level adds.
type Conf struct {
	Before, After conf.Setting[string] // URIs; "": nothing
	Types         http.TypeSet
}

// Feature joins the server by its line in internal/modules, before sub.
var Feature = http.Feature[Conf]{
	Name: "addition",
	Doc:  "puts the answers of other locations before and behind answers",
	Directives: conf.Table[Conf]{
		{Name: "add_before_body", In: conf.AnyLevel, Args: conf.Take1, Syntax: "uri",
			Set: conf.Str(func(c *Conf) *conf.Setting[string] { return &c.Before })},
		{Name: "add_after_body", In: conf.AnyLevel, Args: conf.Take1, Syntax: "uri",
			Set: conf.Str(func(c *Conf) *conf.Setting[string] { return &c.After })},
		{Name: "addition_types", In: conf.AnyLevel, Args: conf.OneMore, Set: (*Conf).addTypes, Syntax: "mime-type ...", Default: "text/html"},
	},
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

func (c *Conf) addTypes(d *conf.Directive) error {
	c.Types.Add(d, "text/html")
	return nil
}

func (c *Conf) merge(outer *Conf) error {
	c.Before.Inherit(outer.Before, "")
	c.After.Inherit(outer.After, "")
	c.Types.Inherit(outer.Types, "text/html")
	return nil
}

func (c *Conf) install(b *http.Builder) error {
	if c.Before.V != "" || c.After.V != "" {
		b.HeaderFilter(c.apply)
	}
	return nil
}

// After is the other half of the feature: it stands behind all filters that change
// the text of a body, so that nothing of it comes after what is added at its end. It
// has no settings.
type After struct{}

// AfterFeature is After's line in internal/modules.
var AfterFeature = http.Feature[After]{
	Name: "addition_after",
	Doc:  "puts the answers of other locations behind answers",
	Install: func(_ *After, b *http.Builder) error {
		if conf.Get[Conf](b.Level()).After.V != "" {
			b.HeaderFilter(addAfter)
		}
		return nil
	},
}

// growing is kept with an answer that something is put behind.
type growing struct{ uri string }

func addAfter(r *http.Request) http.Result {
	if g := http.KnownContext[growing](r); g != nil && !r.IsSubrequest() && !r.Out.HeadersOnly {
		r.Filter(func(next http.Sink) http.Sink { return &tail{uri: g.uri, r: r, next: next} })
	}
	return http.Declined
}

// apply adds to a client's answer of the right type.
func (c *Conf) apply(r *http.Request) http.Result {
	o := &r.Out
	if o.Status != 200 || r.IsSubrequest() || !c.Types.Has(o.ContentType) {
		return http.Declined
	}
	o.WillChangeSize()
	r.WeakenETag()
	if o.HeadersOnly {
		return http.Declined
	}
	if c.Before.V != "" {
		r.Filter(func(next http.Sink) http.Sink { return &head{uri: c.Before.V, r: r, next: next} })
	}
	if c.After.V != "" {
		http.Context[growing](r).uri = c.After.V
	}
	return http.Declined
}

// head puts the answer of uri before the body.
type head struct {
	uri  string
	r    *http.Request
	next http.Sink
	done bool
}

func (s *head) begin() error {
	if s.done {
		return nil
	}
	s.done = true
	return add(s.r, s.uri)
}

func add(r *http.Request, uri string) error {
	if _, ok := r.Subrequest(http.Subrequest{URI: uri}); !ok {
		return http.ErrAnswered
	}
	return nil
}

func (s *head) Write(p []byte) error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.next.Write(p)
}

func (s *head) SendFile(f *fd.Owned, off, n int64) error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.next.SendFile(f, off, n)
}

func (s *head) Flush() error { return s.next.Flush() }

func (s *head) Finish() error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.next.Finish()
}

// tail puts the answer of uri behind the body.
type tail struct {
	uri  string
	r    *http.Request
	next http.Sink
}

func (s *tail) Write(p []byte) error { return s.next.Write(p) }

func (s *tail) SendFile(f *fd.Owned, off, n int64) error { return s.next.SendFile(f, off, n) }

func (s *tail) Flush() error { return s.next.Flush() }

func (s *tail) Finish() error {
	if err := add(s.r, s.uri); err != nil {
		return err
	}
	return s.next.Finish()
}
