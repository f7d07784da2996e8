package poll

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// acceptPause is how long an Acceptor stays away after the process or the
// system ran out of something; nginx's accept_mutex_delay.
const acceptPause = 500 * time.Millisecond

// requeueAfter is how many connections a worker takes before it lines up behind
// the others again.
const requeueAfter = 16

// An Acceptor takes new connections from one listening socket. Its methods may
// be called from any goroutine. After Pause or Stop on the reactor's goroutine
// no further connection comes; on another one, those of the running turn may.
type Acceptor struct {
	reactor  *Reactor
	listener int32
	accept   func(descriptor int, peer Sockaddr)
	failed   func(error)
	taken    uint // connections; the reactor's goroutine alone

	mu    sync.Mutex
	state acceptorState
	timer *time.Timer // ends a pause; nil when none runs
}

// accepting <--Resume, time--  paused
//
//	|      ------Pause---->    |
//	+-------Stop-> stopped <---+
type acceptorState uint8

const (
	accepting acceptorState = iota
	paused                  // not in the epoll set
	stopped                 // nor in the reactor's map
)

// Listen calls accept for each new connection of the listening socket l, which
// must be non-blocking, stays the caller's, and must stay open until Stop.
// accept runs on the reactor's goroutine, owns the descriptor (non-blocking,
// close-on-exec), and must not wait. failed is called there too, with every
// error of accept4(2) except that nobody is waiting; the Acceptor goes on
// nevertheless, after a pause of 500 ms when descriptors or memory ran out.
//
// Several workers may listen on one socket: a new connection wakes one of
// those that sleep. Any goroutine may call Listen.
func (r *Reactor) Listen(l *fd.Owned, accept func(descriptor int, peer Sockaddr), failed func(error)) (*Acceptor, error) {
	a := &Acceptor{reactor: r, listener: int32(l.Raw()), accept: accept, failed: failed}
	r.mu.Lock()
	_, twice := r.acceptors[a.listener]
	if !twice {
		r.acceptors[a.listener] = a
	}
	r.mu.Unlock()
	if twice {
		return nil, fmt.Errorf("listening socket is in use: %w", unix.EEXIST)
	}
	if err := a.enter(); err != nil {
		a.Stop()
		return nil, err
	}
	return a, nil
}

// enter puts the listener into the epoll set.
func (a *Acceptor) enter() error {
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLEXCLUSIVE, Fd: a.listener}
	if err := epollCtl(a.reactor.epoll.Raw(), unix.EPOLL_CTL_ADD, int(a.listener), &event); err != nil {
		return fmt.Errorf("epoll_ctl() of listening socket failed: %w", err)
	}
	return nil
}

// leave takes the listener out of the epoll set. It fails only when the
// listener is not in, or the epoll set closed.
func (a *Acceptor) leave() {
	_ = epollCtl(a.reactor.epoll.Raw(), unix.EPOLL_CTL_DEL, int(a.listener), nil)
}

// Pause leaves new connections in the backlog, or to other workers, until
// Resume, or until d has passed when d is not zero.
func (a *Acceptor) Pause(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == stopped {
		return
	}
	if a.state == accepting {
		a.leave()
		a.state = paused
	}
	a.stopTimer()
	if d > 0 {
		a.timer = time.AfterFunc(d, a.Resume)
	}
}

// Resume ends a pause. When the listener cannot be put back, failed is called
// from here and the Acceptor tries again later.
func (a *Acceptor) Resume() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != paused {
		return
	}
	a.stopTimer()
	if err := a.enter(); err != nil {
		a.retry(err)
		return
	}
	a.state = accepting
}

// Stop ends the Acceptor; the listener can then be closed, or listened on
// again. A second Stop does nothing.
func (a *Acceptor) Stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == stopped {
		return
	}
	if a.state == accepting {
		a.leave()
	}
	a.state = stopped
	a.stopTimer()
	r := a.reactor
	r.mu.Lock()
	delete(r.acceptors, a.listener)
	r.mu.Unlock()
}

// requeue lets other workers go first: the kernel wakes the one that has been in
// its epoll set the longest, again and again, as long as it sleeps.
func (a *Acceptor) requeue() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != accepting {
		return
	}
	a.leave()
	if err := a.enter(); err != nil {
		a.state = paused
		a.retry(err)
	}
}

// retry reports why a listener could not be put back, and tries again later.
// Needs a.mu.
func (a *Acceptor) retry(err error) {
	a.reactor.Post(func() { a.failed(err) })
	a.timer = time.AfterFunc(acceptPause, a.Resume)
}

func (a *Acceptor) stopTimer() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

func (a *Acceptor) isAccepting() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state == accepting
}

// acceptOne runs on the reactor's goroutine. The event is level-triggered: what
// is left comes up again in the next turn. Taking more at once, until there is
// none, would be slower: accept4(2) makes the new socket's file before it finds
// that nobody is waiting.
func (a *Acceptor) acceptOne() {
	if !a.isAccepting() {
		return
	}
	descriptor, peer, errno := accept4(int(a.listener))
	switch errno {
	case 0:
		a.accept(descriptor, peer)
		if a.taken++; a.taken%requeueAfter == 0 {
			a.requeue()
		}
	case unix.EAGAIN, unix.EINTR:
	case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
		a.Pause(acceptPause)
		a.failed(acceptError(errno))
	default: // ECONNABORTED and the like: this connection; the next may be fine
		a.failed(acceptError(errno))
	}
}

func acceptError(errno unix.Errno) error { return fmt.Errorf("accept4() failed: %w", errno) }

// IsExhausted reports whether an error that failed was called with means that
// the process or the system ran out of descriptors, which nginx logs as crit.
func IsExhausted(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)
}
