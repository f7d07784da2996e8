package gzip

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// filter is the header filter of one location.
type filter struct {
	types     http.TypeSet
	minLength int64
	level     int
	pools     *pools
	ratio     *http.Variable
}

// ratioName is the variable that tells how much was saved.
const ratioName = "gzip_ratio"

// declare makes $gzip_ratio, which has a value once an answer is compressed.
func (c *Conf) declare(m *http.MainBuilder) error {
	_, err := m.SettableOr(ratioName, func(*http.Request) (string, bool) { return "", false })
	return err
}

func (c *Conf) install(b *http.Builder) error {
	if !c.On.V {
		return nil
	}
	ratio, err := b.Variable(nil, ratioName)
	if err != nil {
		return err
	}
	f := &filter{types: c.Types, minLength: c.MinLength.V, level: c.Level.V, pools: http.Shared[pools](b), ratio: ratio}
	b.ClientFilter(f.apply)
	return nil
}

// apply decides whether the body is compressed.
func (f *filter) apply(r *http.Request) http.Result {
	if !f.fits(r) {
		return http.Declined
	}
	r.VariesByGzip()
	if !r.AcceptsGzip() {
		return http.Declined
	}
	r.Out.Headers.Add("Content-Encoding", "gzip")
	r.Out.WillChangeSize()
	r.WeakenETag()
	if !r.Out.HeadersOnly {
		r.Filter(func(next http.Sink) http.Sink { return &sink{filter: f, r: r, next: next} })
	}
	return http.Declined
}

// fits tells the answers that are worth compressing. A HEAD is answered as a GET
// would be.
func (f *filter) fits(r *http.Request) bool {
	o := &r.Out
	switch o.Status {
	case 200, 403, 404:
	default:
		return false
	}
	if encoding, _ := o.Headers.Lookup("Content-Encoding"); encoding != "" {
		return false
	}
	if o.ContentLength >= 0 && o.ContentLength < f.minLength {
		return false
	}
	return f.types.Has(o.ContentType) && (!o.HeadersOnly || r.Method == h1.HEAD)
}
