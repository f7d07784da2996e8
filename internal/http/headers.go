package http

import "github.com/baton-project/baton/internal/wire/h1"

// A Field is one line of a head. One with an empty Name is not sent.
type Field = h1.Field

// Headers are the lines of a head in their order; names compare without case.
// The zero value is empty.
type Headers []Field

// Lookup returns the value of the first line with that name.
func (h Headers) Lookup(name string) (value string, ok bool) {
	for i := range h {
		if equalFold(h[i].Name, name) {
			return h[i].Value, true
		}
	}
	return "", false
}

// Add appends a line.
func (h *Headers) Add(name, value string) { *h = append(*h, Field{Name: name, Value: value}) }

// Set replaces every line with that name by one.
func (h *Headers) Set(name, value string) {
	h.Del(name)
	h.Add(name, value)
}

// Del removes every line with that name.
func (h *Headers) Del(name string) {
	kept := (*h)[:0]
	for _, f := range *h {
		if !equalFold(f.Name, name) {
			kept = append(kept, f)
		}
	}
	*h = kept
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
