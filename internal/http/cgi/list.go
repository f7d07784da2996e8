package cgi

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// A Framing writes parameters in the way of a protocol. Name and value are
// appended between its calls.
type Framing interface {
	// Begin appends what stands before a name of n bytes.
	Begin(dst []byte, n int) []byte
	// Between appends what stands between the name and its value.
	Between(dst []byte) []byte
	// End ends the parameter whose name begins at offset name of dst, and its
	// value at offset value.
	End(dst []byte, name, value int) []byte
}

// A List are the parameters of a location, compiled. It is not written any more,
// and used by any number of requests.
type List struct {
	params []compiled
	// replaced are the names of header lines, in lower case with underscores,
	// for which a parameter stands here, by their length.
	replaced [16][]string
}

type compiled struct {
	name       string
	value      *http.Value
	ifNotEmpty bool
}

// Append appends the parameters for r to dst; headers says whether r's header
// lines are among them. It does not allocate while dst has room.
func (l *List) Append(dst []byte, r *http.Request, f Framing, headers bool) []byte {
	for i := range l.params {
		p := &l.params[i]
		start := len(dst)
		dst = f.Begin(dst, len(p.name))
		name := len(dst)
		dst = f.Between(append(dst, p.name...))
		value := len(dst)
		dst = p.value.Append(dst, r)
		if p.ifNotEmpty && len(dst) == value {
			dst = dst[:start]
			continue
		}
		dst = f.End(dst, name, value)
	}
	if headers {
		dst = l.appendHeaders(dst, r, f)
	}
	return dst
}

// appendHeaders appends a parameter for each name of a header line. Lines with
// the same name are one parameter.
func (l *List) appendHeaders(dst []byte, r *http.Request, f Framing) []byte {
	buf, lines := r.HeadBytes(), r.Head.Headers
	for i := range lines {
		name := lines[i].Name.View(buf)
		if l.replaces(name) || named(lines[:i], buf, name) {
			continue
		}
		const prefix = "HTTP_"
		dst = f.Begin(dst, len(prefix)+len(name))
		start := len(dst)
		dst = appendUpper(append(dst, prefix...), name)
		dst = f.Between(dst)
		value := len(dst)
		dst = append(dst, lines[i].Value.Of(buf)...)
		for j := i + 1; j < len(lines); j++ {
			if !same(lines[j].Name.View(buf), name) {
				continue
			}
			if lines[i].ID == h1.HCookie {
				dst = append(dst, "; "...)
			} else {
				dst = append(dst, ", "...)
			}
			dst = append(dst, lines[j].Value.Of(buf)...)
		}
		dst = f.End(dst, start, value)
	}
	return dst
}

// named reports whether one of lines has this name.
func named(lines []h1.Header, buf []byte, name string) bool {
	for i := range lines {
		if same(lines[i].Name.View(buf), name) {
			return true
		}
	}
	return false
}

// same compares names of header lines: letters without case.
func same(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || 'z' < x|0x20) {
			return false
		}
	}
	return true
}

// replaces reports whether a parameter stands for the header lines of this name.
func (l *List) replaces(name string) bool {
next:
	for _, low := range l.replaced[len(name)%len(l.replaced)] {
		if len(low) != len(name) {
			continue
		}
		for i := range len(low) {
			if lower(name[i]) != low[i] {
				continue next
			}
		}
		return true
	}
	return false
}

// lower is a byte of a header's name as it stands in List.replaced.
func lower(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c | 0x20
	case c == '-':
		return '_'
	}
	return c
}

// appendUpper appends a header's name as CGI writes it.
func appendUpper(dst []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
			c &^= 0x20
		case c == '-':
			c = '_'
		}
		dst = append(dst, c)
	}
	return dst
}
