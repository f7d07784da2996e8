package variable

import (
	"errors"

	"github.com/baton-project/baton/internal/log"
)

// A Getter computes a variable. ok is false when it has no value now: an empty
// string in a text, "-" in a log. The string may be a view into the subject's
// memory; what must be built is built in its Scratch.
type Getter[S Subject] func(s S) (value string, ok bool)

// Flags say how a variable may be used.
type Flags uint8

const (
	// Changeable: set, map and the like may take the name over.
	Changeable Flags = 1 << iota
	// Cacheable: the getter runs once for each subject, its value is kept.
	Cacheable
)

// A Variable is a name that texts may refer to.
type Variable[S Subject] struct {
	Name  string
	get   Getter[S]
	set   func(s S, value string) // not nil: assignment means more than keeping
	flags Flags
	slot  int // index in State.Values when it is Cacheable or assigned, else -1
}

// Get returns the value for s; ok is false when there is none.
func (v *Variable[S]) Get(s S) (value string, ok bool) {
	if v.slot < 0 {
		return v.get(s)
	}
	return v.cached(s)
}

// Set gives the variable a value for the rest of s. v must come from Settable.
func (v *Variable[S]) Set(s S, value string) {
	if v.set != nil {
		v.set(s, value)
		return
	}
	s.Variables().Values[v.slot] = Cached{text: value, state: valueFound}
}

// OnSet has f called for an assignment, in place of keeping the value. It is
// called when the variable was declared.
func (v *Variable[S]) OnSet(f func(s S, value string)) { v.set = f }

func (v *Variable[S]) cached(s S) (string, bool) {
	c := &s.Variables().Values[v.slot]
	switch c.state {
	case valueFound:
		return c.text, true
	case valueMissing:
		return "", false
	case valueAsked:
		s.Logf(log.Error, "cycle while evaluating variable \"%s\"", v.Name)
		return "", false
	}
	// The getter may use and set other variables, but not move the values: their
	// number is fixed when the configuration is loaded.
	c.state = valueAsked
	text, ok := v.get(s)
	switch {
	case v.flags&Cacheable == 0:
		if c.state == valueAsked {
			c.state = valueUnknown
		}
	case ok:
		*c = Cached{text: text, state: valueFound}
	default:
		*c = Cached{state: valueMissing}
	}
	return text, ok
}

var errNoName = errors.New("invalid variable name \"$\"")

// Empty is the getter of a variable that is always the empty string.
func Empty[S Subject](S) (string, bool) { return "", true }

// Missing is the getter of a variable that has no value.
func Missing[S Subject](S) (string, bool) { return "", false }
