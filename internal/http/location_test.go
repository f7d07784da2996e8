package http

import (
	"slices"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/wire/h1"
	"pgregory.net/rapid"
)

// parseHead parses r.head as far as it goes.
func parseHead(r *Request) {
	for {
		switch r.Head.Parse(r.head, new(h1.Options)) {
		case h1.More, h1.Done, h1.Failed:
			return
		}
	}
}

// The tree finds what trying every location in turn finds.
func TestLocationTreeAgainstPlainSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`/[ab/]{0,5}`)
		var locations []*Location
		for _, name := range rapid.SliceOfNDistinct(word, 0, 12, rapid.ID).Draw(t, "prefixes") {
			locations = append(locations, &Location{parsedName: parsedName{kind: prefixLocation, text: name}, pipeline: new(pipeline)})
		}
		for _, name := range rapid.SliceOfNDistinct(word, 0, 4, rapid.ID).Draw(t, "exact") {
			locations = append(locations, &Location{parsedName: parsedName{kind: exactLocation, text: name}, pipeline: new(pipeline)})
		}
		tree, err := newLocationTree(slices.Clone(locations))
		if err != nil {
			t.Fatal(err)
		}
		outer := &Location{inner: tree}
		r := &Request{URI: word.Draw(t, "uri")}
		got, _ := outer.find(r)
		if want := plainSearch(outer, locations, r.URI); got != want {
			t.Fatalf("%q: got %q, want %q", r.URI, got.text, want.text)
		}
	})
}

func plainSearch(outer *Location, locations []*Location, uri string) *Location {
	best := outer
	for _, l := range locations {
		if l.kind == exactLocation && l.text == uri {
			return l
		}
		if l.kind == prefixLocation && strings.HasPrefix(uri, l.text) && len(l.text) > len(best.text) {
			best = l
		}
	}
	return best
}

func TestAutoRedirect(t *testing.T) {
	proxied := &Location{parsedName: parsedName{text: "/proxied/"}, pipeline: &pipeline{autoRedirect: true}}
	tree, err := newLocationTree([]*Location{proxied, {parsedName: parsedName{text: "/plain/"}, pipeline: new(pipeline)}})
	if err != nil {
		t.Fatal(err)
	}
	tree.redirect = true
	outer := &Location{inner: tree}
	for uri, want := range map[string]bool{"/proxied": true, "/proxied/": false, "/prox": false, "/plain": false, "/proxiedx": false} {
		if l, redirect := outer.find(&Request{URI: uri}); redirect != want || want && l != proxied {
			t.Errorf("%s: redirect %v, want %v", uri, redirect, want)
		}
	}
}

func TestExtension(t *testing.T) {
	for uri, want := range map[string]string{
		"/a.txt": "txt", "/a.b.c": "c", "/a": "", "/a.d/b": "", "/.hidden": "", "/x/.y": "", "/a.": "", "": "",
	} {
		if got := extension(uri); got != want {
			t.Errorf("%q: %q, want %q", uri, got, want)
		}
	}
}
