package limitreq

import (
	"time"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/limit"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/zone"
)

const statusVariable = "limit_req_status"

// limiter is the handler of one location.
type limiter struct {
	limits     []bound
	status     *http.Variable // how the request fared
	level      log.Level      // of refusals
	delayLevel log.Level      // of delays
	answer     http.Result
	dryRun     bool
}

// bound is a limitConf with its zone.
type bound struct {
	zone         *rateZone
	burst, delay int64
}

// install adds the handler where there is a limit.
func (c *Conf) install(b *http.Builder) error {
	if len(c.limits) == 0 {
		return nil
	}
	l := &limiter{level: c.LogLevel.V, delayLevel: min(c.LogLevel.V+1, log.Info),
		answer: http.Result(c.Status.V), dryRun: c.DryRun.V}
	for _, limit := range c.limits {
		z := c.zoneNamed(limit.zone)
		if z == nil {
			if err := b.MissZone(limit.at, limit.zone, tag); err != nil {
				return err
			}
			continue
		}
		l.limits = append(l.limits, bound{z, limit.burst, limit.delay})
	}
	var err error
	if l.status, err = b.Variable(nil, statusVariable); err != nil {
		return err
	}
	b.Phase(http.Preaccess, l.check)
	return nil
}

// pending is a limit that was tested and not charged yet.
type pending struct {
	limit *bound
	key   string
}

// check tests the limits one after the other; only when all have let the request
// pass are those before the last one charged.
func (l *limiter) check(r *http.Request) http.Result {
	if _, again := l.status.Get(r); again {
		return http.Declined
	}
	now := r.Clock()
	var room [4]pending
	tested := room[:0]
	var wait time.Duration
	var excess int64
	var by *bound // the limit that asks for the longest delay
	for i := range l.limits {
		b := &l.limits[i]
		key := b.zone.key.Eval(r)
		if key == "" {
			continue
		}
		if len(key) > zone.MaxKey {
			r.Logf(log.Error, `the value of the "%s" key is more than 65535 bytes: "%s"`, b.zone.spec.Key, key)
			continue
		}
		by = b
		if i < len(l.limits)-1 {
			tested = append(tested, pending{b, key})
		}
		over, verdict := b.zone.rate.Test(key, now, b.burst, i == len(l.limits)-1)
		if verdict != limit.Passed {
			return l.refuse(r, b, over, verdict)
		}
		if i == len(l.limits)-1 {
			excess, wait = over, b.zone.rate.Delay(over, b.delay)
		}
	}
	if by == nil {
		return http.Declined
	}
	for i := len(tested) - 1; i >= 0; i-- {
		b := tested[i].limit
		over := b.zone.rate.Charge(tested[i].key, now)
		if d := b.zone.rate.Delay(over, b.delay); d > wait {
			excess, wait, by = over, d, b
		}
	}
	if wait == 0 {
		l.status.Set(r, "PASSED")
		return http.Declined
	}
	return l.delay(r, by, excess, wait)
}

func (l *limiter) refuse(r *http.Request, by *bound, excess int64, verdict limit.Verdict) http.Result {
	if verdict == limit.Full {
		r.Logf(log.Alert, `could not allocate node in limit_req zone "%s"`, by.zone.spec.Name)
	} else if r.LogEnabled(l.level) {
		r.Logf(l.level, `limiting requests%s, excess: %d.%03d by zone "%s"`,
			l.dry(), excess/1000, excess%1000, by.zone.spec.Name)
	}
	if l.dryRun {
		l.status.Set(r, "REJECTED_DRY_RUN")
		return http.Declined
	}
	l.status.Set(r, "REJECTED")
	return l.answer
}

func (l *limiter) delay(r *http.Request, by *bound, excess int64, wait time.Duration) http.Result {
	if r.LogEnabled(l.delayLevel) {
		r.Logf(l.delayLevel, `delaying request%s, excess: %d.%03d, by zone "%s"`,
			l.dry(), excess/1000, excess%1000, by.zone.spec.Name)
	}
	if l.dryRun {
		l.status.Set(r, "DELAYED_DRY_RUN")
		return http.Declined
	}
	l.status.Set(r, "DELAYED")
	return r.Delay(wait)
}

func (l *limiter) dry() string {
	if l.dryRun {
		return ", dry run"
	}
	return ""
}
