package log

import (
	"sync/atomic"
	"time"
)

// A clock formats the time once a second, in the local zone.
type clock struct {
	cached atomic.Pointer[stamp]
}

// A stamp is one second in the forms that logs need. It is never changed.
type stamp struct {
	second int64 // since 1970
	line   string
	syslog string
}

func (c *clock) now() *stamp {
	t := time.Now()
	second := t.Unix()
	if s := c.cached.Load(); s != nil && s.second == second {
		return s
	}
	s := &stamp{
		second: second,
		line:   t.Format("2006/01/02 15:04:05"),
		syslog: t.Format("Jan _2 15:04:05"),
	}
	c.cached.Store(s)
	return s
}

// A complaint is made at most once a minute, as nginx does for a log that
// cannot be written. The zero value has not been made yet.
type complaint struct {
	last atomic.Int64 // second in which it was made
}

// due reports whether the complaint should be made in this second, and notes
// that it was.
func (c *complaint) due(second int64) bool {
	last := c.last.Load()
	return second-last > 59 && c.last.CompareAndSwap(last, second)
}
