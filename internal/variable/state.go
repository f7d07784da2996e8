package variable

import (
	"strings"
	"unsafe"

	"github.com/baton-project/baton/internal/log"
)

// A Subject is what variables have values of.
type Subject interface {
	// Variables is what the subject remembers.
	Variables() *State
	// Scratch is empty and has room for n bytes, which stay valid as long as the
	// subject.
	Scratch(n int) []byte
	// Logf writes to the subject's error log.
	Logf(level log.Level, format string, args ...any)
}

// A State is what a subject remembers of its variables.
type State struct {
	// Values has room for [Registry.Slots] of them.
	Values []Cached
	// Captured is the subject of the last regular expression that matched, and
	// CaptureAt are the bounds of its groups as package pcre gives them.
	Captured  string
	CaptureAt []int
}

// Capture is "$n" of the last regular expression that matched; "" when there is
// none.
func (s *State) Capture(n int) string { return group(s.Captured, s.CaptureAt, n) }

func group(subject string, at []int, n int) string {
	if 2*n+1 >= len(at) || at[2*n] < 0 {
		return ""
	}
	return subject[at[2*n]:at[2*n+1]]
}

// A Cached is what a subject remembers of one variable. It is comparable; the
// zero value is nothing.
type Cached struct {
	text  string
	state valueState
}

type valueState uint8

const (
	valueUnknown valueState = iota // ask the getter
	valueFound
	valueMissing
	valueAsked // its getter is at work
)

// Known reports whether the value, or that there is none, is known.
func (c *Cached) Known() bool { return c.state == valueFound || c.state == valueMissing }

// Detach makes the text independent of the memory that it may be a view into.
func (c *Cached) Detach() { c.text = strings.Clone(c.text) }

// Learned is what is known: the value when found, else that there is none.
func (c *Cached) Learned() (value string, found bool) { return c.text, c.state == valueFound }

// Learn is the reverse of Learned.
func (c *Cached) Learn(text string, found bool) {
	c.text, c.state = text, valueMissing
	if found {
		c.state = valueFound
	}
}

// view is b as a string that shares its memory.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
