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

// apply adds to a client's answer of the right type.
func (c *Conf) apply(r *http.Request) http.Result {
	o := &r.Out
	if o.Status != 200 || r.IsSubrequest() || !c.Types.Has(o.ContentType) {
		return http.Declined
	}
	o.WillChangeSize()
	r.WeakenETag()
	if !o.HeadersOnly {
		r.Filter(func(next http.Sink) http.Sink { return &sink{conf: c, r: r, next: next} })
	}
	return http.Declined
}

// A sink adds to one body.
type sink struct {
	conf  *Conf
	r     *http.Request
	next  http.Sink
	begun bool // what stands before the body was added
}

// begin adds what stands before the body.
func (s *sink) begin() error {
	if s.begun {
		return nil
	}
	s.begun = true
	return s.add(s.conf.Before.V)
}

func (s *sink) add(uri string) error {
	if uri == "" {
		return nil
	}
	if _, ok := s.r.Subrequest(http.Subrequest{URI: uri}); !ok {
		return http.ErrAnswered
	}
	return nil
}

func (s *sink) Write(p []byte) error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.next.Write(p)
}

func (s *sink) SendFile(f *fd.Owned, off, n int64) error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.next.SendFile(f, off, n)
}

func (s *sink) Flush() error { return s.next.Flush() }

// Finish adds what stands behind the body.
func (s *sink) Finish() error {
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.add(s.conf.After.V); err != nil {
		return err
	}
	return s.next.Finish()
}
