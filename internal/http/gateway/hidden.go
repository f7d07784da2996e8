package gateway

import (
	"slices"
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

// hiddenHeaders are the names of lines that are not passed on to the client.
type hiddenHeaders struct {
	byLength [32][]string // in lower case
	longer   []string
}

// has reports whether the line with this name is hidden.
func (h *hiddenHeaders) has(name string) bool {
	list := h.longer
	if len(name) < len(h.byLength) {
		list = h.byLength[len(name)]
	}
	for _, low := range list {
		if equalFold(low, name) {
			return true
		}
	}
	return false
}

func newHiddenHeaders(names []string) *hiddenHeaders {
	h := new(hiddenHeaders)
	for _, name := range names {
		list := &h.longer
		if len(name) < len(h.byLength) {
			list = &h.byLength[len(name)]
		}
		*list = append(*list, name)
	}
	return h
}

func (s *Settings) addPass(d *conf.Directive) error {
	s.pass = append(s.pass, strings.ToLower(d.Args[0]))
	return nil
}

func (s *Settings) addHide(d *conf.Directive) error {
	s.hide = append(s.hide, strings.ToLower(d.Args[0]))
	return nil
}

// mergeHidden makes the list of hidden lines: the module's and those of
// hide_header, without those of pass_header.
func (s *Settings) mergeHidden(outer *Settings, always []string) {
	if s.hide == nil && s.pass == nil && outer.hidden != nil {
		s.hide, s.pass, s.hidden = outer.hide, outer.pass, outer.hidden
		return
	}
	if s.hide == nil {
		s.hide = outer.hide
	}
	if s.pass == nil {
		s.pass = outer.pass
	}
	var names []string
	for _, name := range always {
		names = append(names, strings.ToLower(name))
	}
	for _, name := range s.hide {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(s.pass, name) })
	s.hidden = newHiddenHeaders(names)
}

// equalFold compares header names: ASCII letters without case.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
