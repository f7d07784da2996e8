package ranges

import (
	"sync/atomic"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Conf is empty: ranges has no directives.
type Conf struct{}

// Feature joins the server by its line in internal/modules, behind every other
// header filter.
var Feature = http.Feature[Conf]{
	Name:    "range",
	Doc:     "sends parts of a response when asked for them",
	Install: (*Conf).install,
}

func (*Conf) install(b *http.Builder) error {
	f := new(filter)
	b.ClientFilter(f.apply)
	return nil
}

// filter is the header filter of one location.
type filter struct {
	boundary atomic.Uint64 // of the last multipart response; the next one counts on
}

// apply turns a 200 into a 206 or 416 if the request asks for it.
func (f *filter) apply(r *http.Request) http.Result {
	o := &r.Out
	if !o.AllowRanges || o.Status != 200 || o.ContentLength < 0 || r.Head.Version < h1.HTTP10 {
		return http.Declined
	}
	max := r.MaxRanges()
	if max == 0 {
		return http.Declined
	}
	if o.SingleRange {
		max = 1
	}
	value := r.Header(h1.HRange)
	if !asksForBytes(value) || !ifRange(r) {
		o.Headers.Add("Accept-Ranges", "bytes")
		return http.Declined
	}
	var room [1]h1.Range
	ranges, verdict := h1.ParseRanges(room[:0], value, o.ContentLength, max)
	switch verdict {
	case h1.RangeUnsatisfiable:
		o.Headers.Add("Content-Range", http.View(h1.AppendUnsatisfied(r.Scratch(32), o.ContentLength)))
		o.Headers.Del("Last-Modified") // of add_header; it is not this answer's
		return 416
	case h1.RangeIgnored:
		o.Headers.Add("Accept-Ranges", "bytes")
		return http.Declined
	}
	o.Status, o.StatusLine = 206, ""
	if len(ranges) == 1 {
		single(r, ranges[0])
	} else {
		f.multiple(r, ranges)
	}
	return http.Declined
}

// asksForBytes tells a Range of bytes from other units, which are ignored.
func asksForBytes(value string) bool {
	const unit = "bytes="
	return len(value) > len(unit) && h1.EqualFold(value[:len(unit)], unit)
}

// ifRange reports whether the request's If-Range, if any, lets its Range count.
func ifRange(r *http.Request) bool {
	if r.Head.Index(h1.HIfRange) < 0 {
		return true
	}
	return h1.IfRange(r.Header(h1.HIfRange), r.Out.ETag, r.Out.LastModified)
}

func single(r *http.Request, part h1.Range) {
	o := &r.Out
	o.Headers.Add("Content-Range", http.View(h1.AppendContentRange(r.Scratch(72), part, o.ContentLength)))
	o.ContentLength, o.Part = part.End-part.Start, part
	r.Filter(func(next http.Sink) http.Sink { return &cut{next: next, part: part, skipped: &o.Skipped} })
}

func (f *filter) multiple(r *http.Request, ranges []h1.Range) {
	o := &r.Out
	frame := h1.Multipart{Boundary: f.boundary.Add(1), ContentType: o.ContentType, Size: o.ContentLength}
	if o.Charset != "" {
		frame.ContentType += "; charset=" + o.Charset
		o.Charset = ""
	}
	o.ContentType = http.View(frame.AppendType(r.Scratch(64)))
	o.ContentLength = frame.Length(ranges)
	r.Filter(func(next http.Sink) http.Sink {
		return &multipart{next: next, r: r, frame: frame, ranges: ranges}
	})
}
