package sub

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// filter is the header filter of one location.
type filter struct {
	pairs        []pair
	fixed        *search // when no text has variables in it
	types        http.TypeSet
	once         bool
	lastModified bool
}

// pair is one sub_filter directive.
type pair struct{ text, replacement *http.Value }

func (c *Conf) install(b *http.Builder) error {
	if len(c.filters) == 0 {
		return nil
	}
	f := &filter{types: c.Types, once: c.Once.V, lastModified: c.LastModified.V}
	fixed := new(search)
	for _, d := range c.filters {
		text, err := b.Compile(d, d.Args[0])
		if err != nil {
			return err
		}
		replacement, err := b.Compile(d, d.Args[1])
		if err != nil {
			return err
		}
		f.pairs = append(f.pairs, pair{text, replacement})
		if literal, ok := text.Literal(); ok && fixed != nil {
			fixed.add(literal, replacement)
		} else {
			fixed = nil
		}
	}
	f.fixed = fixed
	b.HeaderFilter(f.apply)
	return nil
}

// apply has the texts replaced in answers of the right type.
func (f *filter) apply(r *http.Request) http.Result {
	o := &r.Out
	if o.ContentLength == 0 || !f.types.Has(o.ContentType) {
		return http.Declined
	}
	search := f.fixed
	if search == nil {
		if search = f.searchFor(r); len(search.targets) == 0 {
			return http.Declined
		}
	}
	o.WillChangeSize()
	if f.lastModified {
		r.WeakenETag()
	} else {
		o.LastModified = h1.NoTime
		o.Headers.Del("Last-Modified")
		o.ETag = ""
	}
	if !o.HeadersOnly {
		r.Filter(func(next http.Sink) http.Sink { return newSink(r, next, search, f.once) })
	}
	return http.Declined
}

// searchFor is the search of one request; texts that are empty for it are left out.
func (f *filter) searchFor(r *http.Request) *search {
	s := new(search)
	for _, p := range f.pairs {
		if text := p.text.Eval(r); text != "" {
			s.add(text, p.replacement)
		}
	}
	return s
}

// A search is a list of texts to look for.
type search struct {
	targets []target
	starts  [256]bool // the bytes that a text may begin with
}

type target struct {
	text        string // in lower case
	replacement *http.Value
}

func (s *search) add(text string, replacement *http.Value) {
	text = lower(text)
	s.targets = append(s.targets, target{text, replacement})
	first := text[0]
	s.starts[first] = true
	if 'a' <= first && first <= 'z' {
		s.starts[first-'a'+'A'] = true
	}
}

// lower is text with its ASCII letters in lower case.
func lower(text string) string {
	low := []byte(text)
	for i, c := range low {
		if 'A' <= c && c <= 'Z' {
			low[i] = c | 0x20
		}
	}
	return string(low)
}
