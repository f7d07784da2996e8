package http

import (
	"sync"

	"github.com/baton-project/baton/internal/log"
)

// backgroundWork is the subrequests that run beside a request.
type backgroundWork struct {
	running sync.WaitGroup

	mu         sync.Mutex // guards what follows
	waiting    []*Request // not begun
	terminated bool       // one of them has given the connection up
	assigned   []assignedValue
}

// An assignedValue is a variable that a subrequest has assigned.
type assignedValue struct {
	slot  int
	value cachedValue
}

// Background runs a subrequest beside r, which is not over before its subrequests
// are. Nothing of their answers is sent. It reports whether it could be made; if
// not, that is logged.
//
// Its variables have the values of this moment. What it assigns r sees when both
// are over, in its access log.
func (r *Request) Background(o Subrequest) bool {
	o.HeadersOnly = true
	sub := r.newSub(o, true)
	if sub == nil {
		return false
	}
	main := r.Main()
	if main.background == nil {
		main.background = new(backgroundWork)
	}
	main.background.start(sub)
	return true
}

// start runs sub on a goroutine of its own. Subrequests begin in the order in which
// they were made, whichever goroutine comes first.
func (b *backgroundWork) start(sub *Request) {
	sub.sub.main = nil
	b.mu.Lock()
	b.waiting = append(b.waiting, sub)
	b.mu.Unlock()
	b.running.Go(func() {
		b.mu.Lock()
		sub := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.mu.Unlock()
		before := sub.vars.Values
		sub.vars.Values = append([]cachedValue(nil), before...)
		defer b.end(sub, before)
		sub.runSub()
		if sub.background != nil {
			sub.awaitBackground()
		}
		sub.logSub()
	})
}

// end gives back what a subrequest holds. A panic ends only the subrequest.
// Before it began its variables were as in before.
func (b *backgroundWork) end(sub *Request, before []cachedValue) {
	if reason := recover(); reason != nil {
		sub.conn.worker.main.env.Logger.Logf(log.Alert, sub.conn.number, "panic: %v", reason)
	}
	b.mu.Lock()
	b.terminated = b.terminated || sub.sub.terminated
	for slot, v := range sub.vars.Values {
		if v != before[slot] && v.Known() {
			v.Detach() // what it is a view of may be given back
			b.assigned = append(b.assigned, assignedValue{slot, v})
		}
	}
	b.mu.Unlock()
	sub.end()
}

// awaitBackground returns when the subrequests beside r have ended. What is to
// be sent to the client must have been sent before.
func (r *Request) awaitBackground() {
	b := r.background
	r.background = nil
	b.running.Wait()
	for _, a := range b.assigned {
		r.vars.Values[a.slot] = a.value
	}
	if b.terminated {
		r.abort()
	}
}
