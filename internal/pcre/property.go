package pcre

import (
	"strings"
	"unicode"
)

// property reads what stands behind \p or \P (not says which): one letter, or a
// name in braces, perhaps with "^" before it. Bytes have the properties of the
// characters with their numbers, as in PCRE without UTF.
func (t *translator) property(not bool) (set, error) {
	const malformed = `malformed \P or \p sequence`
	if t.at >= len(t.pattern) {
		return set{}, t.fail(malformed)
	}
	name := t.pattern[t.at : t.at+1]
	t.at++
	if name == "{" {
		var closed bool
		if name, _, closed = strings.Cut(t.pattern[t.at:], "}"); !closed {
			return set{}, t.fail(malformed)
		}
		t.at += len(name) + 1
		if bare, caret := strings.CutPrefix(name, "^"); caret {
			name, not = bare, !not
		}
	}
	s, ok := bytesWith(name)
	if !ok {
		return set{}, t.fail(`unknown property after \P or \p`)
	}
	if not {
		s = s.negated()
	}
	return s, nil
}

// bytesWith returns the bytes with a property: a general category, a script, or
// one of PCRE's own.
func bytesWith(name string) (s set, ok bool) {
	var tables []*unicode.RangeTable
	switch name {
	case "Any":
		return set{}.negated(), true
	case "L&":
		tables = []*unicode.RangeTable{unicode.Lu, unicode.Ll, unicode.Lt}
	case "Xan":
		tables = []*unicode.RangeTable{unicode.L, unicode.N}
	case "Xwd":
		tables = []*unicode.RangeTable{unicode.L, unicode.N}
		s.add('_')
	case "Xsp", "Xps":
		tables = []*unicode.RangeTable{unicode.Z}
		s.addSet(setOf("\t-\r"))
	default:
		table := unicode.Categories[name]
		if table == nil {
			table = unicode.Scripts[name]
		}
		if table == nil {
			return set{}, false
		}
		tables = []*unicode.RangeTable{table}
	}
	for c := range 256 {
		if unicode.In(rune(c), tables...) {
			s.add(byte(c))
		}
	}
	return s, true
}
