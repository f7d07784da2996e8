package headers

import (
	"errors"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/wire/h1"
)

// expiresKind is the form of an expires directive.
type expiresKind uint8

const (
	expiresOff      expiresKind = iota // adds nothing
	expiresEpoch                       // the past: 1 January 1970, no-cache
	expiresMax                         // ten years
	expiresAccess                      // an offset from now
	expiresModified                    // an offset from Last-Modified
	expiresDaily                       // a time of day, local time
)

// expires is one expires directive, or the value that its variables gave.
type expires struct {
	kind   expiresKind
	offset time.Duration // of access and modified: may be negative; of daily: since midnight
}

// errInvalidValue ends nginx's sentence `"expires" directive invalid value`.
var errInvalidValue = errors.New("invalid value")

// parseExpires reads the value of an expires directive; modified tells that
// the word "modified" stands before it. Errors are the ends of nginx's
// sentences: `"expires" directive invalid value`.
func parseExpires(value string, modified bool) (expires, error) {
	e := expires{kind: expiresAccess}
	if modified {
		e.kind = expiresModified
	} else {
		switch value {
		case "epoch":
			return expires{kind: expiresEpoch}, nil
		case "max":
			return expires{kind: expiresMax}, nil
		case "off":
			return expires{}, nil
		}
	}
	minus := false
	switch {
	case strings.HasPrefix(value, "@"):
		if modified {
			return expires{}, errors.New(`daily time cannot be used with "modified" parameter`)
		}
		e.kind = expiresDaily
		value = value[1:]
	case strings.HasPrefix(value, "+"):
		value = value[1:]
	case strings.HasPrefix(value, "-"):
		minus = true
		value = value[1:]
	}
	offset, err := conf.ParseSec(value)
	if err != nil {
		return expires{}, errInvalidValue
	}
	if e.kind == expiresDaily && offset > 24*time.Hour {
		return expires{}, errors.New("daily time value must be less than 24 hours")
	}
	if minus {
		offset = -offset
	}
	e.offset = offset
	return e, nil
}

// at gives the moment of the Expires field and the max-age of Cache-Control
// in seconds for a response sent now; a negative age means no-cache. modified is
// the response's Last-Modified in Unix seconds, or h1.NoTime.
func (e expires) at(now time.Time, modified int64) (when, age int64) {
	unix, offset := now.Unix(), int64(e.offset/time.Second)
	switch {
	case e.kind == expiresEpoch:
		return 1, -1
	case e.kind == expiresMax:
		return 2145916555, 10 * 365 * 24 * 60 * 60 // 31 December 2037, 23:55:55
	case e.kind == expiresDaily:
		when = nextDaily(now, e.offset)
		return when, when - unix
	case offset == 0:
		return unix, 0
	case e.kind == expiresModified && modified != h1.NoTime:
		when = modified + offset
		if offset < 0 {
			return when, -1
		}
		return when, when - unix
	}
	return unix + offset, offset
}

// nextDaily is the next moment after now at which the local clock shows the
// time of day.
func nextDaily(now time.Time, timeOfDay time.Duration) int64 {
	local := now.Local()
	year, month, day := local.Date()
	seconds := int(timeOfDay / time.Second)
	when := time.Date(year, month, day, 0, 0, seconds, 0, time.Local).Unix()
	if when > now.Unix() {
		return when
	}
	return time.Date(year, month, day+1, 0, 0, seconds, 0, time.Local).Unix()
}
