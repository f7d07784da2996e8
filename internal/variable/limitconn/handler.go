package limitconn

import (
	"sync"
	"unsafe"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/limit"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/variable"
	"github.com/baton-project/baton/internal/zone"
)

const statusVariable = "limit_conn_status"

// maxKey is the length of the longest key that nginx counts.
const maxKey = 255

// A Limiter bounds the subjects of one level.
type Limiter[S Subject] struct {
	limits []bound[S]
	status *variable.Variable[S] // how the subject fared
	level  log.Level             // of refusals
	dryRun bool
	holds  sync.Pool // of *hold
}

// bound is a limitConf with its zone.
type bound[S Subject] struct {
	zone *countZone[S]
	max  int
}

// Compile returns the limiter of c; nil when there is no limit. zones and tag are
// those of DeclareZones.
func (c *Conf[S]) Compile(lookup func(d *conf.Directive, name string) (*variable.Variable[S], error), zones *zone.Set, tag string) (*Limiter[S], error) {
	if len(c.limits) == 0 {
		return nil, nil
	}
	l := &Limiter[S]{level: c.LogLevel.V, dryRun: c.DryRun.V}
	l.holds.New = l.newHold
	for _, at := range c.limits {
		z := c.zoneNamed(at.zone)
		if z == nil {
			if err := limit.Miss(zones, at.at, at.zone, tag); err != nil {
				return nil, err
			}
			continue
		}
		l.limits = append(l.limits, bound[S]{z, at.max})
	}
	var err error
	l.status, err = lookup(nil, statusVariable)
	return l, err
}

// Check counts s in every zone, or in none. It reports false when s is refused.
func (l *Limiter[S]) Check(s S) bool {
	if _, again := l.status.Get(s); again {
		return true
	}
	var h *hold
	for i := range l.limits {
		b := &l.limits[i]
		key := b.zone.key.Eval(s)
		if key == "" {
			continue
		}
		if len(key) > maxKey {
			s.Logf(log.Error, `the value of the "%s" key is more than 255 bytes: "%s"`, b.zone.spec.Key, key)
			continue
		}
		l.status.Set(s, "PASSED")
		if verdict := b.zone.count.Take(key, b.max); verdict != limit.Passed {
			if h != nil {
				h.give()
			}
			return l.refuse(s, b, verdict)
		}
		if h == nil {
			h = l.holds.Get().(*hold)
			s.OnEnd(h.end)
		}
		h.add(&b.zone.count, key)
	}
	return true
}

// Resume counts what another worker has let pass: it is in progress, whatever the
// limits say.
func (l *Limiter[S]) Resume(s S) {
	var h *hold
	for i := range l.limits {
		b := &l.limits[i]
		key := b.zone.key.Eval(s)
		if key == "" || len(key) > maxKey || b.zone.count.Take(key, limit.MaxCount) != limit.Passed {
			continue
		}
		l.status.Set(s, "PASSED")
		if h == nil {
			h = l.holds.Get().(*hold)
			s.OnEnd(h.end)
		}
		h.add(&b.zone.count, key)
	}
}

func (l *Limiter[S]) refuse(s S, by *bound[S], verdict limit.Verdict) bool {
	if verdict == limit.Exceeded && s.LogEnabled(l.level) {
		dry := ""
		if l.dryRun {
			dry = ", dry run,"
		}
		s.Logf(l.level, `limiting connections%s by zone "%s"`, dry, by.zone.spec.Name)
	}
	if l.dryRun {
		l.status.Set(s, "REJECTED_DRY_RUN")
		return true
	}
	l.status.Set(s, "REJECTED")
	return false
}

// A hold is what one subject is counted in. It is reused.
type hold struct {
	taken []taken
	keys  []byte // the subject's memory may be used anew before it ends
	end   func() // gives, and puts the hold back
}

type taken struct {
	count      *limit.Count
	start, end int // of the key in keys
}

func (l *Limiter[S]) newHold() any {
	h := new(hold)
	h.end = func() {
		h.give()
		l.holds.Put(h)
	}
	return h
}

func (h *hold) add(c *limit.Count, key string) {
	start := len(h.keys)
	h.keys = append(h.keys, key...)
	h.taken = append(h.taken, taken{c, start, len(h.keys)})
}

func (h *hold) give() {
	for _, t := range h.taken {
		t.count.Give(unsafeString(h.keys[t.start:t.end]))
	}
	h.taken, h.keys = h.taken[:0], h.keys[:0]
}

// unsafeString is b as a string that shares its memory.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
