package conf

import (
	"strings"
	"time"
)

// The functions here make the Set function of a table entry whose directive
// takes one value and stores it in a [Setting]:
//
//	{Name: "sendfile", In: conf.AnyLevel, Args: conf.Flag,
//		Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.Sendfile })},
//
// Like nginx they look for a duplicate before they look at the value.

// OnOff stores "on" or "off".
func OnOff[C any](field func(*C) *Setting[bool]) func(*C, *Directive) error {
	return setter(field, func(d *Directive, s string) (bool, error) {
		switch {
		case strings.EqualFold(s, "on"):
			return true, nil
		case strings.EqualFold(s, "off"):
			return false, nil
		}
		return false, d.Errorf(`invalid value "%s" in "%s" directive, it must be "on" or "off"`, s, d.Name)
	})
}

// Num stores a number without a sign.
func Num[C any](field func(*C) *Setting[int]) func(*C, *Directive) error {
	return setter(field, func(_ *Directive, s string) (int, error) {
		n, err := ParseNumber(s)
		return int(n), err
	})
}

// NumBetween stores a number that is at least low and at most high. With a
// negative high there is no upper bound.
func NumBetween[C any](low, high int, field func(*C) *Setting[int]) func(*C, *Directive) error {
	return setter(field, func(d *Directive, s string) (int, error) {
		n, err := ParseNumber(s)
		switch {
		case err != nil:
			return 0, err
		case high < 0 && int(n) < low:
			return 0, d.Errorf("value must be equal to or greater than %d", low)
		case high >= 0 && (int(n) < low || int(n) > high):
			return 0, d.Errorf("value must be between %d and %d", low, high)
		}
		return int(n), nil
	})
}

// Size stores a number of bytes; see [ParseSize].
func Size[C any](field func(*C) *Setting[int64]) func(*C, *Directive) error {
	return setter(field, plain(ParseSize))
}

// Offset stores a number of bytes; see [ParseOffset].
func Offset[C any](field func(*C) *Setting[int64]) func(*C, *Directive) error {
	return setter(field, plain(ParseOffset))
}

// Msec stores a time; see [ParseMsec].
func Msec[C any](field func(*C) *Setting[time.Duration]) func(*C, *Directive) error {
	return setter(field, plain(ParseMsec))
}

// Sec stores a time in whole seconds; see [ParseSec].
func Sec[C any](field func(*C) *Setting[time.Duration]) func(*C, *Directive) error {
	return setter(field, plain(ParseSec))
}

// Str stores the argument as it is.
func Str[C any](field func(*C) *Setting[string]) func(*C, *Directive) error {
	return setter(field, func(_ *Directive, s string) (string, error) { return s, nil })
}

// Choice is one word of an [Enum].
type Choice[T any] struct {
	Word string
	V    T
}

// Enum stores the value that belongs to a word. Letter case does not matter.
func Enum[C, T any](choices []Choice[T], field func(*C) *Setting[T]) func(*C, *Directive) error {
	return setter(field, func(d *Directive, s string) (T, error) {
		for _, c := range choices {
			if strings.EqualFold(c.Word, s) {
				return c.V, nil
			}
		}
		var zero T
		return zero, d.Errorf(`invalid value "%s"`, s)
	})
}

// Access stores permissions of files; see [ParseAccess].
func Access[C any](field func(*C) *Setting[uint32]) func(*C, *Directive) error {
	return setter(field, func(d *Directive, _ string) (uint32, error) {
		access, wrong := ParseAccess(d.Args)
		if wrong != "" {
			return 0, d.Errorf(`invalid value "%s"`, wrong)
		}
		return access, nil
	})
}

// Buffers are so many buffers of so many bytes each: "4 8k".
type Buffers struct {
	Num  int
	Size int64
}

// Bufs stores two arguments, a number and a size, neither of them zero.
func Bufs[C any](field func(*C) *Setting[Buffers]) func(*C, *Directive) error {
	return setter(field, func(d *Directive, s string) (Buffers, error) {
		n, err := ParseNumber(s)
		if err != nil || n == 0 {
			return Buffers{}, ErrInvalidValue
		}
		size, err := ParseSize(d.Args[1])
		if err != nil || size == 0 {
			return Buffers{}, ErrInvalidValue
		}
		return Buffers{Num: int(n), Size: size}, nil
	})
}

func setter[C, T any](field func(*C) *Setting[T], parse func(*Directive, string) (T, error)) func(*C, *Directive) error {
	return func(c *C, d *Directive) error {
		s := field(c)
		if s.IsSet() {
			return ErrDuplicate
		}
		v, err := parse(d, d.Args[0])
		if err != nil {
			return err
		}
		return s.Set(v)
	}
}

func plain[T any](parse func(string) (T, error)) func(*Directive, string) (T, error) {
	return func(_ *Directive, s string) (T, error) { return parse(s) }
}
