package slice

import (
	"errors"
	"strings"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// apply makes the answer with the first slice one with the whole file, and checks
// the others. What does not fit the slices before it ends the connection.
func (c *Conf) apply(r *http.Request) http.Result {
	s := http.KnownContext[state](r)
	if s == nil || s.at != r.Location() {
		return http.Declined
	}
	o := &r.Out
	switch {
	case o.Status == 206:
	case r.IsSubrequest():
		r.Logf(log.Error, "unexpected status code %d in slice response", o.Status)
		return r.GiveUp()
	default:
		*s = state{}
		return http.Declined
	}
	part, whole, ok := s.check(r)
	if !ok {
		return r.GiveUp()
	}
	s.start, s.whole, s.active = part.End, whole, true
	o.Status, o.StatusLine = 200, ""
	o.ContentLength, o.Skipped = whole, part.Start
	o.Headers.Del("Content-Range")
	o.Headers.Del("Accept-Ranges")
	o.AllowRanges, o.SingleRange = true, true
	return http.Declined
}

// check reports whether the answer is the slice that was asked for, and what it is
// of the whole; what is wrong is logged.
func (s *state) check(r *http.Request) (part h1.Range, whole int64, ok bool) {
	o := &r.Out
	if s.tag != "" && o.ETag != s.tag {
		r.Logf(log.Error, "etag mismatch in slice response")
		return part, 0, false
	}
	s.tag = strings.Clone(o.ETag)
	text, _ := o.Headers.Lookup("Content-Range")
	part, whole, ok = h1.ParseContentRange(text)
	switch {
	case !ok, part.Start >= part.End:
		ok = false
		r.Logf(log.Error, "invalid range in slice response")
	case whole < 0:
		r.Logf(log.Error, "no complete length in slice response")
		ok = false
	default:
		end := whole
		if part.Start <= whole-s.size {
			end = part.Start + s.size
		}
		if ok = part.Start == s.start && part.End == end; !ok {
			r.Logf(log.Error, "unexpected range in slice response: %d-%d, expected: %d-%d", part.Start, part.End, s.start, end)
		}
	}
	return part, whole, ok
}

// addMore has the other slices follow.
func addMore(r *http.Request) http.Result {
	s := http.KnownContext[state](r)
	if s != nil && s.active && s.at == r.Location() && !r.IsSubrequest() && !r.Out.HeadersOnly {
		r.Filter(func(next http.Sink) http.Sink { return &sink{s: s, r: r, next: next} })
	}
	return http.Declined
}

// sink passes the first slice on, and has the others fetched behind it.
type sink struct {
	s    *state
	r    *http.Request
	next http.Sink
}

func (k *sink) Write(p []byte) error { return k.next.Write(p) }

func (k *sink) SendFile(f *fd.Owned, off, n int64) error { return k.next.SendFile(f, off, n) }

func (k *sink) Flush() error { return k.next.Flush() }

var errMissing = errors.New("missing slice response")

// Finish fetches what the client wants of the other slices.
func (k *sink) Finish() error {
	s, r, o := k.s, k.r, &k.r.Out
	end := o.Part.End
	if o.Status != 206 {
		end = s.whole
	} else if s.size <= o.Part.Start-s.start {
		wanted := o.Part.Start / s.size * s.size
		o.Skipped += wanted - s.start
		s.start = wanted
	}
	for s.start < end {
		s.ask(r)
		if _, ok := r.Subrequest(http.Subrequest{URI: r.URI, Args: r.Args, Clone: true, Context: s, GiveBack: true}); !ok {
			return http.ErrAnswered
		}
		if !s.active {
			r.Logf(log.Error, "missing slice response")
			return errMissing
		}
	}
	return k.next.Finish()
}
