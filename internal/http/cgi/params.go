package cgi

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
)

// Params are the directives of one level, or those of the enclosing one when it
// has none. The zero value has none.
type Params struct {
	source []param
}

// param is one directive.
type param struct {
	at          *conf.Directive // nil: one that is there by default
	name, value string
	ifNotEmpty  bool
}

// Add takes in a directive: a name, a value, and perhaps "if_not_empty".
func (p *Params) Add(d *conf.Directive) error {
	n := param{at: d, name: d.Args[0], value: d.Args[1]}
	if len(d.Args) == 3 {
		if d.Args[2] != "if_not_empty" {
			return d.Errorf(`invalid parameter "%s"`, d.Args[2])
		}
		n.ifNotEmpty = true
	}
	p.source = append(p.source, n)
	return nil
}

// Inherit takes over those of the enclosing level when this one has none.
func (p *Params) Inherit(outer *Params) {
	if p.source == nil {
		p.source = outer.source
	}
}

// defaults are the parameters of those who have not said otherwise. The header
// line may say less than the request line.
var defaults = []param{{name: "HTTP_HOST", value: "$host$is_request_port$request_port", ifNotEmpty: true}}

// cachedDefaults are more of them for a request whose answer may be kept: the
// conditions are those of the cache, and the answer is to be whole.
var cachedDefaults = []param{
	{name: "HTTP_IF_MODIFIED_SINCE", value: "$upstream_cache_last_modified", ifNotEmpty: true},
	{name: "HTTP_IF_UNMODIFIED_SINCE"},
	{name: "HTTP_IF_NONE_MATCH", value: "$upstream_cache_etag", ifNotEmpty: true},
	{name: "HTTP_IF_MATCH"}, {name: "HTTP_RANGE"}, {name: "HTTP_IF_RANGE"},
}

// lists are the Lists of a block by the first of their parameters: levels that
// inherit from each other share them.
type lists struct{ made map[listKey]*List }

type listKey struct {
	first  *param
	cached bool
}

// Lists are the parameters of a location.
type Lists struct {
	plain  *List
	cached *List // nil: no answer is kept
}

// For is the List for a request.
func (l *Lists) For(x *gateway.Exchange) *List {
	if l.cached != nil && x.Cacheable() {
		return l.cached
	}
	return l.plain
}

// CompileAll makes the Lists of p. caches: answers are kept.
func (p *Params) CompileAll(b *http.Builder, caches bool) (all Lists, err error) {
	if all.plain, err = p.Compile(b); err != nil || !caches {
		return all, err
	}
	all.cached, err = p.compile(b, true)
	return all, err
}

// Compile makes the List of p. Locations with the same parameters get the same.
func (p *Params) Compile(b *http.Builder) (*List, error) { return p.compile(b, false) }

func (p *Params) compile(b *http.Builder, cached bool) (*List, error) {
	shared := http.Shared[lists](b)
	if shared.made == nil {
		shared.made = make(map[listKey]*List)
	}
	key := listKey{cached: cached}
	if len(p.source) != 0 {
		key.first = &p.source[0]
	}
	if l := shared.made[key]; l != nil {
		return l, nil
	}
	l := new(List)
	for _, n := range p.withDefaults(cached) {
		if err := l.add(b, n); err != nil {
			return nil, err
		}
	}
	shared.made[key] = l
	return l, nil
}

func (p *Params) withDefaults(cached bool) []param {
	all := p.source[:len(p.source):len(p.source)]
	more := defaults
	if cached {
		more = append(more[:len(more):len(more)], cachedDefaults...)
	}
next:
	for _, d := range more {
		for _, n := range p.source {
			if strings.EqualFold(n.name, d.name) {
				continue next
			}
		}
		all = append(all, d)
	}
	return all
}

func (l *List) add(b *http.Builder, n param) error {
	if header, ok := strings.CutPrefix(n.name, "HTTP_"); ok && header != "" {
		low := strings.ToLower(header)
		l.replaced[len(low)%len(l.replaced)] = append(l.replaced[len(low)%len(l.replaced)], low)
		if n.value == "" {
			return nil // only keeps the header line from the application
		}
	}
	value, err := b.Compile(n.at, n.value)
	if err != nil {
		return err
	}
	l.params = append(l.params, compiled{name: n.name, value: value, ifNotEmpty: n.ifNotEmpty})
	return nil
}
