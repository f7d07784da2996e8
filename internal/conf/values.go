package conf

import (
	"errors"
	"math"
	"strings"
	"time"
)

// The ends of nginx's sentences about a value that cannot be read.
var (
	ErrInvalidValue  = errors.New("invalid value")
	ErrInvalidNumber = errors.New("invalid number")
)

// ParseNumber reads a number without a sign.
func ParseNumber(s string) (int64, error) {
	n, ok := digits(s)
	if !ok {
		return 0, ErrInvalidNumber
	}
	return n, nil
}

// ParseSize reads a size in bytes, with k or m for kilo- and megabytes.
func ParseSize(s string) (int64, error) {
	return parseScaled(s, 20)
}

// ParseOffset reads a size in bytes, with k, m, or g for gigabytes too.
func ParseOffset(s string) (int64, error) {
	return parseScaled(s, 30)
}

func parseScaled(s string, maxShift uint) (int64, error) {
	shift := uint(0)
	if s != "" {
		switch s[len(s)-1] {
		case 'k', 'K':
			shift = 10
		case 'm', 'M':
			shift = 20
		case 'g', 'G':
			shift = 30
		}
	}
	if shift > maxShift {
		return 0, ErrInvalidValue
	}
	if shift > 0 {
		s = s[:len(s)-1]
	}
	n, ok := digits(s)
	if !ok || n > math.MaxInt64>>shift {
		return 0, ErrInvalidValue
	}
	return n << shift, nil
}

func digits(s string) (n int64, ok bool) {
	if s == "" {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if n, ok = appendDigit(n, s[i]); !ok {
			return 0, false
		}
	}
	return n, true
}

// appendDigit returns n*10+digit unless that is no digit or does not fit.
func appendDigit(n int64, digit byte) (int64, bool) {
	if digit < '0' || digit > '9' {
		return 0, false
	}
	d := int64(digit - '0')
	if n > (math.MaxInt64-d)/10 {
		return 0, false
	}
	return n*10 + d, true
}

// timeUnits are in the order in which they may follow each other.
var timeUnits = [...]struct {
	name    string
	seconds int64 // 0: a millisecond
}{
	{"y", 365 * 24 * 60 * 60},
	{"M", 30 * 24 * 60 * 60},
	{"w", 7 * 24 * 60 * 60},
	{"d", 24 * 60 * 60},
	{"h", 60 * 60},
	{"m", 60},
	{"s", 1},
	{"ms", 0},
	{" ", 1},
}

const unitSecond, unitMsec, unitSpace = 6, 7, 8

// ParseSec reads a time in seconds, such as "30" or "1h 30m"; it may have years
// (y) and months (M), and no milliseconds. A time that time.Duration cannot
// hold becomes the longest that it can.
func ParseSec(s string) (time.Duration, error) {
	n, err := parseTime(s, false)
	return duration(n, time.Second), err
}

// ParseMsec reads a time in milliseconds: "500ms", "1h 30m". A bare number is
// seconds. Years and months are refused, as nginx does.
func ParseMsec(s string) (time.Duration, error) {
	n, err := parseTime(s, true)
	return duration(n, time.Millisecond), err
}

func duration(n int64, unit time.Duration) time.Duration {
	if n > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}

// parseTime returns milliseconds or seconds. Numbers with units may follow
// each other, the larger unit first; a number without a unit is seconds, and
// ends the list.
func parseTime(s string, msec bool) (total int64, err error) {
	perSecond := int64(1)
	step := 0
	if msec {
		perSecond = 1000
		step = 2 // no years, no months
	}
	var value int64
	valid := false
	for i := 0; i < len(s); {
		if n, ok := appendDigit(value, s[i]); ok {
			value, valid = n, true
			i++
			continue
		}
		unit, size := timeUnit(s[i:], step)
		if unit < 0 || (unit == unitMsec && !msec) {
			return 0, ErrInvalidValue
		}
		scale := timeUnits[unit].seconds * perSecond
		if unit == unitMsec {
			scale = 1
		}
		if total, err = addScaled(total, value, scale); err != nil {
			return 0, err
		}
		value, step = 0, unit+1
		for i += size; i < len(s) && s[i] == ' '; i++ {
		}
	}
	if !valid {
		return 0, ErrInvalidValue
	}
	return addScaled(total, value, perSecond)
}

// timeUnit returns the unit at the start of s, which may not stand before
// step, and the length of its name; -1 when there is none. A space behind a
// bare number makes it seconds, if none were given yet.
func timeUnit(s string, step int) (unit, size int) {
	for unit := unitSpace; unit >= 0; unit-- {
		if name := timeUnits[unit].name; strings.HasPrefix(s, name) {
			if unit < step || (unit == unitSpace && step > unitSecond) {
				return -1, 0
			}
			return unit, len(name)
		}
	}
	return -1, 0
}

func addScaled(total, value, scale int64) (int64, error) {
	if value > math.MaxInt64/scale || total > math.MaxInt64-value*scale {
		return 0, ErrInvalidValue
	}
	return total + value*scale, nil
}

// ParseAccess reads permissions of files as words like "user:rw", "group:r" and
// "all:r". Without "user" it may read and write. wrong is a word that is none.
func ParseAccess(words []string) (access uint32, wrong string) {
	user := uint32(0o600)
	for _, word := range words {
		who, what, _ := strings.Cut(word, ":")
		shift := 0
		switch who {
		case "user":
			shift, user = 6, 0
		case "group":
			shift = 3
		case "all":
		default:
			return 0, word
		}
		switch what {
		case "rw":
			access |= 6 << shift
		case "r":
			access |= 4 << shift
		default:
			return 0, word
		}
	}
	return access | user, ""
}
