// Package slice asks an upstream for a file in slices of one size, each with a
// request of its own, so that a cache keeps slices and not files.
//
//	location / {
//		slice 1m;
//		proxy_cache cache;
//		proxy_cache_key $uri$is_args$args$slice_range;
//		proxy_set_header Range $slice_range;
//		proxy_cache_valid 200 206 1h;
//		proxy_pass http://localhost:8000;
//	}
//
// The client's request fetches the first slice that it wants, subrequests fetch the
// others, one after the other. $slice_range is what each of them asks for, and has
// the request sliced by being asked for before the answer.
//
// See ngx_http_slice_module in nginx's manual.
package slice

import (
	"math"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Conf is what one level says.
type Conf struct {
	Size conf.Setting[int64] // of a slice; 0: none
}

// Feature joins the server by its line in internal/modules, before all filters: they
// see a whole answer.
var Feature = http.Feature[Conf]{
	Name: "slice",
	Doc:  "asks upstreams for slices of a file",
	Directives: conf.Table[Conf]{
		{Name: "slice", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size", Default: "0",
			Set: conf.Size(func(c *Conf) *conf.Setting[int64] { return &c.Size })},
	},
	Merge: func(c, outer *Conf) error {
		c.Size.Inherit(outer.Size, 0)
		return nil
	},
	Main: func(_ *Conf, m *http.MainBuilder) error { return m.Variable("slice_range", rangeVariable, 0) },
	Install: func(c *Conf, b *http.Builder) error {
		if c.Size.V > 0 {
			b.HeaderFilter(c.apply)
		}
		return nil
	},
}

// More is the other half of the feature: it stands behind all filters that change
// the text of a body, and puts the other slices behind the first one. It has no
// settings.
type More struct{}

// MoreFeature is More's line in internal/modules.
var MoreFeature = http.Feature[More]{
	Name: "slice_more",
	Doc:  "puts slices behind each other",
	Install: func(_ *More, b *http.Builder) error {
		if conf.Get[Conf](b.Level()).Size.V > 0 {
			b.HeaderFilter(addMore)
		}
		return nil
	},
}

// state is how far a request is.
type state struct {
	at     *http.Location // where it began; nil: it is not sliced
	size   int64          // of a slice
	start  int64          // of the slice that is asked for, then of the next one
	asked  string         // $slice_range
	whole  int64          // size of the file; known with the first slice
	tag    string         // ETag of the slices
	active bool           // the answer to the last request was a slice
}

// ask makes the slice at s.start the one to ask for.
func (s *state) ask(r *http.Request) {
	text := append(r.Scratch(48), "bytes="...)
	text = append(h1.AppendInt(text, s.start), '-')
	s.asked = http.View(h1.AppendInt(text, s.start+s.size-1))
	s.active = false
}

// rangeVariable is $slice_range. The client's request becomes a sliced one by asking
// for it where slices have a size.
func rangeVariable(r *http.Request) (string, bool) {
	s := http.KnownContext[state](r)
	if s != nil && s.at == r.Location() {
		return s.asked, true
	}
	size := conf.Get[Conf](r.Location().Level()).Size.V
	if size == 0 || r.IsSubrequest() || r.Out.Status != 0 {
		return "", false
	}
	s = http.Context[state](r)
	*s = state{at: r.Location(), size: size, start: firstByte(r) / size * size}
	s.ask(r)
	return s.asked, true
}

// firstByte is the first byte that the client wants, as far as that is known before
// the size of the whole is.
func firstByte(r *http.Request) int64 {
	const unit = "bytes="
	text := r.Header(h1.HRange)
	if r.Head.Index(h1.HIfRange) >= 0 || len(text) <= len(unit) || !h1.EqualFold(text[:len(unit)], unit) || strings.Contains(text, ",") {
		return 0
	}
	text = strings.TrimLeft(text[len(unit):], " ")
	digits := 0
	for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
		digits++
	}
	n, err := conf.ParseOffset(text[:digits])
	if err != nil || n > math.MaxInt64/2 {
		return 0
	}
	return n
}
