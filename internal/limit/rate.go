package limit

import (
	"encoding/binary"
	"time"

	"github.com/baton-project/baton/internal/zone"
)

// A Rate lets so many events per second pass for each key: a bucket that leaks
// with that rate, and holds more for a burst. Amounts are in thousandths of an
// event, as in nginx's logs.
//
// Several limits for one event are first tested, each without being charged but
// the last one, and charged when all have let it pass.
type Rate struct {
	Zone      *zone.Zone
	PerSecond int64 // in thousandths, more than zero
}

// event is one event, in thousandths.
const event = 1000

// forgetAfter is how long a bucket that is empty is kept, in milliseconds.
const forgetAfter = 60_000

// A bucket's value in the zone.
const (
	bucketExcess = 0 // int64: what is in it
	bucketLast   = 8 // int64: time of the last change
	bucketSize   = 16
)

// evictions bounds how many buckets make room for one.
const evictions = 256

// Test asks whether an event passes at now, in milliseconds of a clock that all
// processes share. burst is how much more than nothing may be in the bucket;
// excess is how much would be. With charge it is put there.
func (r *Rate) Test(key string, now, burst int64, charge bool) (excess int64, v Verdict) {
	t := r.Zone.Table()
	t.Lock()
	defer t.Unlock()
	e, known := t.Find(key)
	if !known {
		if e, known = r.insert(t, key, now); !known {
			return 0, Full
		}
		if charge {
			r.set(e, 0, now)
		}
		return 0, Passed
	}
	t.Touch(e)
	excess, passed := r.level(e, now)
	if excess > burst {
		return excess, Exceeded
	}
	if charge {
		r.charge(e, excess, now, passed)
	}
	return excess, Passed
}

// Charge puts an event into the bucket that Test has found, or made. It does
// nothing when the bucket has been evicted since.
func (r *Rate) Charge(key string, now int64) (excess int64) {
	t := r.Zone.Table()
	t.Lock()
	defer t.Unlock()
	e, known := t.Find(key)
	if !known {
		return 0
	}
	excess, passed := r.level(e, now)
	r.charge(e, excess, now, passed)
	return excess
}

// Delay is how long an event has to wait so that it keeps the rate, when free
// may pass at once.
func (r *Rate) Delay(excess, free int64) time.Duration {
	if excess <= free {
		return 0
	}
	return time.Duration((excess-free)*1000/r.PerSecond) * time.Millisecond
}

// level is what is in the bucket after one more event, and the milliseconds
// since the last one. A clock that was set back counts as no time, but one that
// went back far must not stop the bucket from leaking.
func (r *Rate) level(e zone.Entry, now int64) (excess, passed int64) {
	value := e.Value()
	if len(value) != bucketSize {
		return 0, 0
	}
	passed = now - get(value, bucketLast)
	switch {
	case passed < -forgetAfter:
		passed = 1
	case passed < 0:
		passed = 0
	}
	return max(0, get(value, bucketExcess)-r.leaked(passed)+event), passed
}

// leaked is what leaks in ms milliseconds, which may be any number.
func (r *Rate) leaked(ms int64) int64 {
	const longest, fastest = 1 << 32, 1 << 30 // 49 days, a million a second: no overflow
	return min(ms, longest) * min(r.PerSecond, fastest) / 1000
}

func (r *Rate) charge(e zone.Entry, excess, now, passed int64) {
	if passed == 0 {
		now = get(e.Value(), bucketLast)
	}
	r.set(e, excess, now)
}

func (r *Rate) set(e zone.Entry, excess, now int64) {
	if value := e.Value(); len(value) == bucketSize {
		binary.NativeEndian.PutUint64(value[bucketExcess:], uint64(excess))
		binary.NativeEndian.PutUint64(value[bucketLast:], uint64(now))
	}
}

func get(value []byte, field int) int64 { return int64(binary.NativeEndian.Uint64(value[field:])) }

// insert makes a bucket. One or two that have been empty for long are forgotten
// each time; when there is no room, the oldest ones go whatever is in them.
func (r *Rate) insert(t *zone.Table, key string, now int64) (e zone.Entry, ok bool) {
	for range 2 {
		if !r.forget(t, now, false) {
			break
		}
	}
	for range evictions {
		if e, ok = t.Insert(key, bucketSize); ok || !r.forget(t, now, true) {
			break
		}
	}
	return e, ok
}

// forget removes the oldest bucket, if it is empty or by force.
func (r *Rate) forget(t *zone.Table, now int64, force bool) bool {
	e, ok := t.Oldest()
	if !ok {
		return false
	}
	if value := e.Value(); !force && len(value) == bucketSize {
		passed := now - get(value, bucketLast)
		if passed < 0 {
			passed = -passed
		}
		if passed < forgetAfter || get(value, bucketExcess) > r.leaked(passed) {
			return false
		}
	}
	t.Delete(e)
	return true
}
