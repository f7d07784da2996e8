package conf

import "errors"

// ErrDuplicate is returned by Setting.Set for the second value at one level.
var ErrDuplicate = errors.New("is duplicate")

// Setting is a value that a directive may set once per level and that is
// inherited from the level around it. The zero Setting is not set.
type Setting[T any] struct {
	// V is the value: the zero T until Set or Inherit was called.
	V     T
	state settingState
}

type settingState uint8

const (
	unset     settingState = iota
	given                  // by a directive at this level
	inherited              // by Inherit
)

// Set stores the value of a directive. The second time it returns
// [ErrDuplicate] and changes nothing.
func (s *Setting[T]) Set(v T) error {
	if s.state != unset {
		return ErrDuplicate
	}
	s.V, s.state = v, given
	return nil
}

// Inherit fills a Setting that no directive has set: from outer when that has
// a value, else with def.
func (s *Setting[T]) Inherit(outer Setting[T], def T) {
	switch {
	case s.state != unset:
		return
	case outer.state != unset:
		s.V = outer.V
	default:
		s.V = def
	}
	s.state = inherited
}

// IsSet reports whether a directive at this very level has set the value.
func (s *Setting[T]) IsSet() bool {
	return s.state == given
}
