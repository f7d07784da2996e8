package http

import (
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

const (
	inSize      = 8 << 10  // holds a usual head with a small body, or several pipelined ones
	outSize     = 16 << 10 // answers gather here
	smallFile   = 8 << 10  // up to here a file is read into the answer's buffer
	copySize    = 32 << 10 // a piece of a file when sendfile is off
	scratchSize = 1 << 10
)

// An exchange is what a busy connection needs and one at rest does not: the
// request and the buffers. It is pooled.
type exchange struct {
	conn *Conn
	req  Request

	in    []byte // what was read and not yet given up
	start int    // where in in the current head begins
	at    int    // what is before it is consumed
	base  []byte // in, as long as it is large enough

	out       []byte // answers not yet sent
	head      h1.Response
	firstByte int64 // tick at which the current head began
	phase     activity
}

// activity is what a busy connection counts as in the statistics.
type activity uint8

const (
	waiting activity = iota
	reading
	writing
)

func newExchange(values int) *exchange {
	x := &exchange{base: make([]byte, 0, inSize), out: make([]byte, 0, outSize)}
	x.in = x.base
	x.req.firstRoom = make([]byte, 0, scratchSize)
	x.req.vars.Values = make([]cachedValue, values)
	return x
}

// put takes x back into the pool.
func (w *Worker) put(x *exchange) {
	x.req.end()
	x.conn = nil
	x.req.conn, x.req.server, x.req.loc, x.req.sink, x.req.hello = nil, nil, nil, nil, nil
	x.in, x.start, x.at = x.base[:0], 0, 0
	x.out = x.out[:0]
	if cap(x.out) > copySize {
		x.out = make([]byte, 0, outSize)
	}
	w.exchanges.Put(x)
}

// setPhase keeps the counters of stub_status.
func (x *exchange) setPhase(p activity) {
	if x.phase == p {
		return
	}
	s := x.conn.worker.stats
	for _, change := range [2]struct {
		phase activity
		by    int64
	}{{x.phase, -1}, {p, 1}} {
		switch change.phase {
		case reading:
			s.Reading.Add(change.by)
		case writing:
			s.Writing.Add(change.by)
		}
	}
	x.phase = p
}

func (x *exchange) leaveStats() { x.setPhase(waiting) }

// headTime is how much of the time for reading a head is left. It runs from the
// first byte, or from accept for the first head.
func (x *exchange) headTime(timeout time.Duration) time.Duration {
	from := x.firstByte
	if x.conn.requests == 0 {
		from = x.conn.accepted
	}
	passed := time.Duration(x.conn.worker.reactor.Tick()-from) * time.Millisecond
	return max(timeout-passed, time.Millisecond)
}

// makeRoom leaves free room in x.in, for a head of at most limit bytes.
func (x *exchange) makeRoom(limit int) {
	if len(x.in) < cap(x.in) {
		return
	}
	held := len(x.in) - x.start
	if x.start > 0 {
		copy(x.in, x.in[x.start:])
		x.in = x.in[:held]
		x.start, x.at = 0, 0
		return
	}
	grown := make([]byte, held, min(2*cap(x.in), max(limit, cap(x.in)+1)))
	copy(grown, x.in)
	x.in = grown
}

// logRequest runs the log phase.
func (x *exchange) logRequest() { x.req.runLog() }

func (r *Request) runLog() {
	r.conn.doing = loggingRequest
	if r.Debugging() {
		r.Logf(log.Debug, "http log handler")
	}
	for _, write := range r.loc.pipeline.phases[Log] {
		write(r)
	}
}

// linger reads and drops what the client still sends, after the writing side
// was shut down, so that it gets to read the answer.
func (x *exchange) linger(conf *connConf) {
	c := x.conn
	end := c.worker.reactor.Tick() + int64(conf.LingeringTime.V/time.Millisecond)
	for {
		left := time.Duration(end-c.worker.reactor.Tick()) * time.Millisecond
		if left <= 0 {
			return
		}
		c.SetReadTimeout(min(left, conf.LingeringTimeout.V))
		n, err := c.Read(x.out[:cap(x.out)])
		if err != nil || n == 0 {
			return
		}
	}
}
