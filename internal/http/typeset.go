package http

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

// A TypeSet is the value of a directive that names media types, such as
// gzip_types; the zero value is not set.
type TypeSet struct {
	any   bool // "*"
	types map[string]bool
}

// Add takes the arguments of d. always is in the set whatever d names.
func (s *TypeSet) Add(d *conf.Directive, always string) {
	if s.any {
		return
	}
	if s.types == nil {
		s.types = map[string]bool{always: true}
	}
	for _, arg := range d.Args {
		if arg == "*" {
			s.any = true
			return
		}
		name := strings.ToLower(arg)
		if s.types[name] {
			d.Warnf(`duplicate MIME type "%s"`, name)
		}
		s.types[name] = true
	}
}

// Inherit fills a set that no directive has made: from outer when that has
// some, else with types.
func (s *TypeSet) Inherit(outer TypeSet, types ...string) {
	if s.any || s.types != nil {
		return
	}
	if *s = outer; s.any || s.types != nil {
		return
	}
	s.types = make(map[string]bool, len(types))
	for _, t := range types {
		s.types[t] = true
	}
}

// Has reports whether contentType, without parameters, is in the set.
func (s *TypeSet) Has(contentType string) bool {
	if s.any {
		return true
	}
	return contentType != "" && (s.types[contentType] || s.types[strings.ToLower(contentType)])
}
