package poll

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// maxEvents is how many events one turn takes, as nginx's epoll_events.
const maxEvents = 512

// A Reactor waits for the sockets of one worker process.
type Reactor struct {
	epoll  fd.Owned
	waker  fd.Owned // eventfd, ends a sleep
	birth  time.Time
	tick   atomic.Int64 // ms since birth as of this turn, 0 while the loop sleeps
	wall   atomic.Int64 // unix ns as of this turn
	events [maxEvents]unix.EpollEvent
	seen   []seen   // of this turn; the loop's alone
	due    []*Conn  // of this turn; the loop's alone
	called []func() // of this turn; the loop's alone

	alone    bool         // GOMAXPROCS was 1 when Run began
	naps     int          // without an event, one after the other; the loop's alone
	runnable atomic.Int32 // goroutines that were woken, or yielded, and did not run yet
	parked   atomic.Int32 // goroutines that wait for a Conn
	eager    atomic.Int32 // minus the number of Conns that Start does not serve at once
	sleeping atomic.Bool  // set under mu; cleared by the loop when it wakes
	stopped  atomic.Bool
	closed   atomic.Bool

	mu         sync.Mutex // guards what follows
	table      table
	wheel      wheel
	sleepUntil int64 // tick; meaningful while sleeping
	queue      queue
	posts      []func()
	workers    int // goroutines in work
	idle       []*worker
	parkers    []*parker
	pipes      []*pipe  // empty ones
	buffers    [][]byte // of tunnels
	acceptors  map[int32]*Acceptor
}

// seen is an event with the Conn, Port or Acceptor that it belongs to.
type seen struct {
	conn       *Conn
	port       *Port
	acceptor   *Acceptor
	generation uint32
	events     uint32
}

// New returns a Reactor without sockets. The caller must Close it.
func New() (*Reactor, error) {
	r := &Reactor{birth: time.Now(), acceptors: make(map[int32]*Acceptor)}
	n, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1() failed: %w", err)
	}
	r.epoll.Put(n)
	n, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		r.epoll.Close()
		return nil, fmt.Errorf("eventfd() failed: %w", err)
	}
	r.waker.Put(n)
	// Edge-triggered: nobody ever needs to read the counter.
	event := unix.EpollEvent{Events: unix.EPOLLIN | edgeTriggered, Fd: int32(n)}
	if err := epollCtl(r.epoll.Raw(), unix.EPOLL_CTL_ADD, n, &event); err != nil {
		r.epoll.Close()
		r.waker.Close()
		return nil, fmt.Errorf("epoll_ctl() of eventfd failed: %w", err)
	}
	r.refresh()
	return r, nil
}

// Run serves until Stop, on the caller's goroutine, which is "the reactor's
// goroutine" of this package. It may be called once. An error means that epoll
// itself failed.
func (r *Reactor) Run() error {
	r.alone = runtime.GOMAXPROCS(0) == 1
	for !r.stopped.Load() {
		n, err := r.wait()
		r.refresh()
		if err != nil {
			return fmt.Errorf("epoll_wait() failed: %w", err)
		}
		r.take(r.events[:n])
		r.expire()
		r.runPosts()
		r.wakeWorker()
		runtime.Gosched()
	}
	return nil
}

const (
	// napTime bounds a nap. Much less costs: the kernel then has to set the
	// machine's clock for each. More is longer than the runtime's monitor lets
	// a goroutine run.
	napTime = 8 // ms

	// maxNaps is how many naps without an event are followed by a sleep.
	maxNaps = 12
)

// wait polls while anything is left to do in this process, and otherwise
// sleeps until an event, the next deadline, or interrupt. It begins with a nap
// where one is allowed; see the package comment.
func (r *Reactor) wait() (int, error) {
	timeout := 0
	r.mu.Lock()
	if r.runnable.Load() == 0 && r.queue.len() == 0 && len(r.posts) == 0 && !r.stopped.Load() {
		timeout = r.sleepTime()
	}
	nap := r.alone && r.naps < maxNaps && r.workers-len(r.idle) == int(r.parked.Load())
	if timeout != 0 {
		r.tick.Store(0)
		r.sleeping.Store(true)
	}
	r.mu.Unlock()
	switch {
	case timeout == 0:
		return epollPoll(r.epoll.Raw(), r.events[:], 0)
	case nap:
		return r.nap(timeout)
	}
	r.naps = 0
	n, err := unix.EpollWait(r.epoll.Raw(), r.events[:], timeout)
	r.sleeping.Store(false)
	if err == unix.EINTR {
		return 0, nil
	}
	return n, err
}

// nap is a short sleep that the runtime does not know of.
func (r *Reactor) nap(timeout int) (int, error) {
	if timeout < 0 || timeout > napTime {
		timeout = napTime
	}
	n, err := epollPoll(r.epoll.Raw(), r.events[:], timeout)
	r.sleeping.Store(false)
	if n == 0 {
		r.naps++
	} else {
		r.naps = 0
	}
	return n, err
}

// sleepTime returns epoll_wait's timeout and sets sleepUntil. Needs r.mu.
func (r *Reactor) sleepTime() int {
	next, ok := r.wheel.next()
	if !ok {
		r.sleepUntil = math.MaxInt64
		return -1
	}
	r.sleepUntil = next
	return int(min(max(next-r.tick.Load(), 0), math.MaxInt32))
}

// interrupt ends the sleep that the loop is in or about to begin.
func (r *Reactor) interrupt() {
	one := [8]byte{1} // any count above zero, in whichever byte order
	// The only failure is an overflow, of a counter that woke the loop before.
	_, _ = rawWrite(r.waker.Raw(), one[:])
}

// refresh takes the time, once per turn.
func (r *Reactor) refresh() {
	now := time.Now()
	r.tick.Store(r.ticksAt(now))
	r.wall.Store(now.UnixNano())
}

// ticksAt is never zero, which means "unknown".
func (r *Reactor) ticksAt(t time.Time) int64 { return int64(t.Sub(r.birth)/time.Millisecond) + 1 }

// Tick returns milliseconds of a monotonic clock that is read once per turn of
// the loop. Any goroutine may call it.
func (r *Reactor) Tick() int64 {
	if tick := r.tick.Load(); tick != 0 {
		return tick
	}
	return r.ticksAt(time.Now()) // the loop sleeps, perhaps for long
}

// Now returns the wall clock, read once per turn of the loop. Any goroutine may
// call it.
func (r *Reactor) Now() time.Time {
	if r.tick.Load() != 0 {
		return time.Unix(0, r.wall.Load())
	}
	return time.Now()
}

// take records what epoll reported, then accepts, then queues what is to be
// served.
func (r *Reactor) take(events []unix.EpollEvent) {
	r.mu.Lock()
	for i := range events {
		e := &events[i]
		s := seen{generation: uint32(e.Pad), events: e.Events}
		if s.generation != 0 {
			who := r.table.find(e.Fd, s.generation)
			s.conn, s.port = who.conn, who.port
		} else {
			s.acceptor = r.acceptors[e.Fd]
		}
		if s.conn != nil || s.port != nil || s.acceptor != nil {
			r.seen = append(r.seen, s)
		}
	}
	r.mu.Unlock()
	for i, s := range r.seen {
		switch {
		case s.acceptor != nil:
			s.acceptor.acceptOne()
		case s.port != nil:
			s.port.ready(s.generation, s.events)
		case s.conn.ready(s.generation, s.events):
			continue
		}
		r.seen[i].conn = nil
	}
	r.mu.Lock()
	for _, s := range r.seen {
		if s.conn != nil {
			r.queue.push(s.conn)
		}
	}
	r.mu.Unlock()
	clear(r.seen)
	r.seen = r.seen[:0]
}

// expire looks after the deadlines that have passed.
func (r *Reactor) expire() {
	now := r.tick.Load()
	r.mu.Lock()
	if next, ok := r.wheel.next(); ok && next <= now {
		r.due = r.wheel.advance(now, r.due)
	}
	r.mu.Unlock()
	for _, c := range r.due {
		if c.expire(now) {
			r.enqueue(c)
		}
	}
	clear(r.due)
	r.due = r.due[:0]
}

// Post runs f on the reactor's goroutine soon, in the order of the calls. Any
// goroutine may call it; f must not wait. After Stop, f may never run.
func (r *Reactor) Post(f func()) {
	r.mu.Lock()
	r.posts = append(r.posts, f)
	r.mu.Unlock()
	if r.sleeping.Load() {
		r.interrupt()
	}
}

func (r *Reactor) runPosts() {
	r.mu.Lock()
	r.called, r.posts = r.posts, r.called[:0]
	r.mu.Unlock()
	for i, f := range r.called {
		f()
		r.called[i] = nil
	}
}

// Stop makes Run return soon. Any goroutine may call it, more than once.
func (r *Reactor) Stop() {
	r.stopped.Store(true)
	r.interrupt()
}

// Close releases what the reactor owns, after Run has returned, or without a
// Run. Acceptors are stopped. Conns at rest, and on the way to Serve, are
// closed. Calls that wait return [ErrStopped], and their owners must Close
// their Conns; resting one closes it. A second Close does nothing.
func (r *Reactor) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	r.Stop()
	r.mu.Lock()
	conns, ports := r.table.all(), r.table.ports()
	queued := r.queue
	r.queue = queue{}
	acceptors := slices.Collect(maps.Values(r.acceptors))
	r.mu.Unlock()
	for _, a := range acceptors {
		a.Stop()
	}
	for c := queued.pop(); c != nil; c = queued.pop() {
		c.Close()
	}
	for _, c := range conns {
		c.mu.Lock()
		resting := c.state == atRest
		c.wake(reading, ErrStopped)
		c.wake(writing, ErrStopped)
		c.mu.Unlock()
		if resting {
			c.Close()
		}
	}
	for _, p := range ports {
		p.Close()
	}
	r.dismissWorkers()
	r.closePipes()
	err := r.epoll.Close()
	if wakerErr := r.waker.Close(); err == nil {
		err = wakerErr
	}
	return err
}
