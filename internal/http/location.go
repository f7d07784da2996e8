package http

import (
	"slices"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/resolve"
	"github.com/baton-project/baton/internal/wire/h1"
)

// A Location is a compiled location{}, or a block that acts as one: server{}
// itself, if, limit_except.
type Location struct {
	parsedName
	server      *Server
	level       *conf.Level
	pipeline    *pipeline
	regex       *Regex // regexLocation only
	escapedName string // the name as a Location header
	inner       *locationTree
	except      *Location // the block of limit_except; nil: none
	spared      h1.Method // what except is not for

	paths      *pathConf
	conn       *connConf
	http2      *http2Conf
	bodies     *bodyConf
	answers    *answerConf
	gzip       *gzipConf
	files      *filesConf
	resolving  *resolverConf
	resolver   *resolve.Resolver // nil: none
	errorPages []errorPage
	root       *Value
	linksFrom  *Value // part of disable_symlinks; nil: none
	logger     *log.Logger
}

// Name is the location's argument without modifier: "/images/", "@fallback";
// "" for a block that is not a location.
func (l *Location) Name() string { return l.text }

// Level is where the location stands in the configuration.
func (l *Location) Level() *conf.Level { return l.level }

// pipeline is what the features installed at one location, in their order.
type pipeline struct {
	phases       [phaseCount][]Handler
	content      Handler
	filters      []HeaderFilter // of the client's requests
	inner        int            // of filters: those whose sinks subrequests do not pass
	subFilters   []HeaderFilter // of subrequests
	autoRedirect bool
	resumed      []func(*Request) // see Builder.OnResume
	tunnels      TunnelOwner      // see Builder.OnTunnel; nil: none
	streams      StreamOwner      // see Builder.OnStream; nil: none
}

// reset empties p, whose memory is kept.
func (p *pipeline) reset() {
	for i := range p.phases {
		p.phases[i] = p.phases[i][:0]
	}
	p.content, p.filters, p.autoRedirect = nil, p.filters[:0], false
	p.resumed, p.tunnels, p.streams = p.resumed[:0], nil, nil
	p.subFilters, p.inner = p.subFilters[:0], 0
}

// copied is p in memory of its own, no larger than need be: there is one for
// each location of a configuration.
func (p *pipeline) copied() *pipeline {
	made := &pipeline{content: p.content, tunnels: p.tunnels, streams: p.streams, autoRedirect: p.autoRedirect, inner: p.inner}
	if len(p.subFilters) > 0 {
		made.subFilters = append(make([]HeaderFilter, 0, len(p.subFilters)), p.subFilters...)
	}
	if len(p.resumed) > 0 {
		made.resumed = append(make([]func(*Request), 0, len(p.resumed)), p.resumed...)
	}
	if len(p.filters) > 0 {
		made.filters = append(make([]HeaderFilter, 0, len(p.filters)), p.filters...)
	}
	n := 0
	for _, handlers := range p.phases {
		n += len(handlers)
	}
	all := make([]Handler, 0, n)
	for i, handlers := range p.phases {
		if len(handlers) == 0 {
			continue
		}
		from := len(all)
		all = append(all, handlers...)
		made.phases[i] = all[from:len(all):len(all)]
	}
	return made
}

// locationTree holds the locations directly inside a block, ready for search.
type locationTree struct {
	exact    []*Location // sorted by name
	prefixes []prefixEntry
	regexes  []*Location // in the order of the configuration
	redirect bool        // one of prefixes answers "/x" by a redirect to "/x/"
}

// prefixEntry is one prefix location; the entries are sorted by name.
type prefixEntry struct {
	loc *Location
	// shorter is the index of the longest entry that is a prefix of this
	// one's name, -1 for none.
	shorter int
}

func byName(a, b *Location) int { return strings.Compare(a.text, b.text) }

// newLocationTree makes the tree of locations, which are in the order of the
// configuration.
func newLocationTree(locations []*Location) (*locationTree, error) {
	t := new(locationTree)
	var prefixes []*Location
	for _, l := range locations {
		switch l.kind {
		case exactLocation:
			t.exact = append(t.exact, l)
		case prefixLocation, noRegexLocation:
			prefixes = append(prefixes, l)
		case regexLocation:
			t.regexes = append(t.regexes, l)
		}
	}
	for _, list := range [][]*Location{t.exact, prefixes} {
		slices.SortStableFunc(list, byName)
		for i := 1; i < len(list); i++ {
			if list[i].text == list[i-1].text {
				return nil, list[i].level.Directive.Errorf(`duplicate location "%s"`, list[i].text)
			}
		}
	}
	t.prefixes = make([]prefixEntry, len(prefixes))
	for i, l := range prefixes {
		shorter := i - 1
		for shorter >= 0 && !strings.HasPrefix(l.text, prefixes[shorter].text) {
			shorter = t.prefixes[shorter].shorter
		}
		t.prefixes[i] = prefixEntry{l, shorter}
	}
	return t, nil
}

// A match is how well a search went; what is higher ends the search earlier.
type match uint8

const (
	noMatch       match = iota
	prefixMatch         // regular expressions may still take the request
	finalMatch          // exact, or by regular expression
	redirectMatch       // the path lacks only the slash at its end
)

// find is the location for r's path below l, and whether it is to be answered
// by a redirect to the location's name.
func (l *Location) find(r *Request) (found *Location, redirect bool) {
	found, how := l.search(r)
	return found, how == redirectMatch
}

// search returns l itself when nothing inside it matches.
func (l *Location) search(r *Request) (*Location, match) {
	t := l.inner
	if t == nil {
		return l, noMatch
	}
	if exact := t.findExact(r.URI); exact != nil {
		return exact, finalMatch
	}
	if t.redirect {
		if to := t.findRedirect(r.URI); to != nil {
			return to, redirectMatch
		}
	}
	found, how, regexes := l, noMatch, true
	if prefix := t.findPrefix(r.URI); prefix != nil {
		inner, innerHow := prefix.search(r)
		if innerHow > prefixMatch {
			return inner, innerHow
		}
		found, how, regexes = inner, prefixMatch, prefix.kind != noRegexLocation
	}
	if regexes {
		for _, candidate := range t.regexes {
			if candidate.regex.Match(r, r.URI) {
				inner, _ := candidate.search(r)
				return inner, finalMatch
			}
		}
	}
	return found, how
}

func (t *locationTree) findExact(uri string) *Location {
	low, high := 0, len(t.exact)
	for low < high {
		middle := int(uint(low+high) / 2)
		switch name := t.exact[middle].text; {
		case name == uri:
			return t.exact[middle]
		case name < uri:
			low = middle + 1
		default:
			high = middle
		}
	}
	return nil
}

// findPrefix returns the location with the longest name that uri starts with.
// It is the last entry that is not greater than uri, or a prefix of that one.
func (t *locationTree) findPrefix(uri string) *Location {
	low, high := 0, len(t.prefixes)
	for low < high {
		middle := int(uint(low+high) / 2)
		if t.prefixes[middle].loc.text <= uri {
			low = middle + 1
		} else {
			high = middle
		}
	}
	for i := low - 1; i >= 0; i = t.prefixes[i].shorter {
		if strings.HasPrefix(uri, t.prefixes[i].loc.text) {
			return t.prefixes[i].loc
		}
	}
	return nil
}

// findRedirect returns the location whose name is uri and a slash.
func (t *locationTree) findRedirect(uri string) *Location {
	for _, e := range t.prefixes {
		name := e.loc.text
		if len(name) == len(uri)+1 && e.loc.pipeline.autoRedirect && name[len(uri)] == '/' && name[:len(uri)] == uri {
			return e.loc
		}
	}
	return nil
}

// escapeName is the location's name as it stands in a Location header.
func escapeName(name string) string {
	if !h1.NeedsEscape(name, h1.EscapeURI) {
		return name
	}
	return string(h1.AppendEscaped(nil, name, h1.EscapeURI))
}
