package poll

import "time"

// Paced is how far an end with a Rate is.
type Paced struct {
	// Used is how much more was read than the rate has allowed, the present second not
	// counted; less than zero: how much less.
	Used int64
	// Wait is for how long nothing is read.
	Wait time.Duration
}

// maxPacedWait bounds a pause, so that a strange Paced does no harm.
const maxPacedWait = time.Hour

// A pace holds an end back that has a Rate, as nginx does: no more is read than the
// rate gives since the beginning, this second included, and after each read there is
// a pause as long as what was read takes.
type pace struct {
	began int64         // second
	base  int64         // what moved was then, less what was used
	wait  time.Duration // the pause that is next; of who serves the end

	// Tunnel.mu guards what follows.
	timer *time.Timer // ends the present pause; nil: there is none
	until int64       // tick of its end
}

// paceAll begins to count where an end has a Rate. Needs t.mu.
func (t *Tunnel) paceAll() {
	t.paces = nil
	if t.Ends[0].Rate == 0 && t.Ends[1].Rate == 0 {
		return
	}
	t.paces = new([2]pace)
	for i := range t.paces {
		p := &t.paces[i]
		p.began = t.Ends[i].Conn.Reactor().Now().Unix()
		p.base = t.moved[i].Load()
		if at := t.Paced; at != nil && t.Ends[i].Rate > 0 {
			p.base -= at[i].Used
			p.wait = min(at[i].Wait, maxPacedWait)
		}
	}
}

// waits is the pause that an end is to make now. It is for who serves the end.
func (t *Tunnel) waits(side int) time.Duration {
	if t.paces == nil {
		return 0
	}
	return t.paces[side].wait
}

// stopPause ends the pause of an end early, and reports whether there was one. Needs
// t.mu.
func (t *Tunnel) stopPause(side int) bool {
	if t.paces == nil {
		return false
	}
	p := &t.paces[side]
	if p.timer == nil || !p.timer.Stop() {
		return false
	}
	p.timer = nil
	return true
}

// used is Paced.Used of now.
func (t *Tunnel) used(side int) int64 {
	p, e := &t.paces[side], &t.Ends[side]
	return t.moved[side].Load() - p.base - e.Rate*(e.Conn.Reactor().Now().Unix()-p.began)
}

// PacedAt returns how far an end with a Rate was when the tunnel ended. It is for Done.
func (t *Tunnel) PacedAt(side int) Paced {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.paced(side)
}

func (t *Tunnel) paced(side int) Paced {
	e := &t.Ends[side]
	if e.Rate == 0 {
		return Paced{}
	}
	left := max(t.paces[side].until-e.Conn.Reactor().Tick(), 0)
	return Paced{Used: t.used(side), Wait: time.Duration(left) * time.Millisecond}
}

// paceBefore returns as much of buffer as may be read now; nothing when there is to be
// a pause first.
func (t *Tunnel) paceBefore(side int, buffer []byte) []byte {
	e := &t.Ends[side]
	if e.Rate == 0 {
		return buffer
	}
	p := &t.paces[side]
	p.wait = 0
	if e.Piece > 0 && e.Piece < len(buffer) {
		buffer = buffer[:e.Piece]
	}
	left := e.Rate - t.used(side)
	if left <= 0 {
		p.wait = pauseFor(-left, e.Rate) + time.Millisecond
		return nil
	}
	return buffer[:min(int64(len(buffer)), left)]
}

// paceAfter reports whether there is to be a pause now that n bytes were read.
func (t *Tunnel) paceAfter(side int, n int64) bool {
	rate := t.Ends[side].Rate
	if rate == 0 || n == 0 {
		return false
	}
	p := &t.paces[side]
	p.wait = pauseFor(n, rate)
	return p.wait > 0
}

// pauseFor is how long n bytes take.
func pauseFor(n, rate int64) time.Duration {
	switch {
	case n < 0:
		return 0 // a rate beyond all measure
	case n/rate >= int64(maxPacedWait/time.Second):
		return maxPacedWait
	}
	return time.Duration(n/rate)*time.Second + time.Duration(float64(n%rate)/float64(rate)*1000)*time.Millisecond
}

// leavePaced leaves an end alone for a while, unless the tunnel has ended. No timeout
// runs meanwhile.
func (t *Tunnel) leavePaced(side int, wait time.Duration) {
	r := t.Ends[side].Conn.Reactor()
	t.mu.Lock()
	if !t.ended {
		p := &t.paces[side]
		p.until = r.Tick() + wait.Milliseconds()
		t.last.Store(max(t.last.Load(), p.until))
		p.timer = time.AfterFunc(wait, func() { t.goOn(side) })
		t.mu.Unlock()
		return
	}
	done := t.goes(side)
	t.mu.Unlock()
	if done {
		t.Done(t, t.why)
	}
}

// goOn ends a pause.
func (t *Tunnel) goOn(side int) {
	t.mu.Lock()
	t.paces[side].timer = nil
	if !t.ended {
		t.mu.Unlock()
		t.Ends[side].Conn.ServeNow()
		return
	}
	done := t.goes(side)
	t.mu.Unlock()
	if done {
		t.Done(t, t.why)
	}
}
