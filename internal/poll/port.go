package poll

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// A PortHandler is the owner's code for a datagram socket. Its methods run on the
// reactor's goroutine, one at a time, and must not wait. They may still be called
// once when the Port was closed, or its interest changed, on another goroutine.
type PortHandler interface {
	// Readable says that something has come, or that there is an error to fetch.
	// As long as that is so it is called in each turn.
	Readable(p *Port)

	// Writable says that there is room again.
	Writable(p *Port)
}

// A Port is a datagram socket in a [Reactor]. Unlike a [Conn] it has no owner that
// changes: whoever has it may call it from any goroutine, and what comes is dealt
// with by the loop itself. A datagram needs no goroutine of its own.
//
// The zero value is a closed Port. It must not be copied.
type Port struct {
	reactor *Reactor
	handler PortHandler

	mu         sync.Mutex // guards what follows, and is held during system calls
	descriptor int32
	generation uint32 // of this use of descriptor in the reactor's table
	open       bool
	reads      bool
	writes     bool
	interest   uint32 // EPOLLIN, EPOLLOUT; zero: not in the epoll set
}

// AddPort takes ownership of the datagram socket descriptor, which must be in
// non-blocking mode. Nothing is reported before [Port.Reading]. p must be closed.
func (r *Reactor) AddPort(p *Port, descriptor int, h PortHandler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open {
		panic("poll: AddPort of a Port that is not closed")
	}
	p.reactor, p.handler = r, h
	p.descriptor = int32(descriptor)
	p.open, p.reads, p.writes, p.interest = true, false, false, 0
	p.generation = r.table.put(r, descriptor, slot{port: p})
}

// Reading says whether Readable is to be called from now on.
func (p *Port) Reading(on bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads = on
	return p.update()
}

// Writing says whether Writable is to be called from now on.
func (p *Port) Writing(on bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = on
	return p.update()
}

// update brings the epoll set up to date. Needs p.mu.
func (p *Port) update() error {
	if !p.open {
		return os.ErrClosed
	}
	var interest uint32
	if p.reads {
		interest |= unix.EPOLLIN
	}
	if p.writes {
		interest |= unix.EPOLLOUT
	}
	if interest == p.interest {
		return nil
	}
	op := unix.EPOLL_CTL_MOD
	switch {
	case p.interest == 0:
		op = unix.EPOLL_CTL_ADD
	case interest == 0:
		op = unix.EPOLL_CTL_DEL
	}
	event := unix.EpollEvent{Events: interest, Fd: p.descriptor, Pad: int32(p.generation)}
	if err := epollCtl(p.reactor.epoll.Raw(), op, int(p.descriptor), &event); err != nil {
		return fmt.Errorf("epoll_ctl() failed: %w", err)
	}
	p.interest = interest
	return nil
}

// ready is called with what epoll reported.
func (p *Port) ready(generation, events uint32) {
	p.mu.Lock()
	current := p.open && p.generation == generation
	events &= p.interest | unix.EPOLLERR | unix.EPOLLHUP
	p.mu.Unlock()
	if !current {
		return
	}
	if events&unix.EPOLLOUT != 0 {
		p.handler.Writable(p)
	}
	if events&^unix.EPOLLOUT != 0 {
		p.handler.Readable(p)
	}
}

// FD lends the descriptor to f for a call made right now. It returns what f
// returns, or [os.ErrClosed].
func (p *Port) FD(f func(descriptor int) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.open {
		return os.ErrClosed
	}
	return f(int(p.descriptor))
}

// Send sends a datagram to the other end of a socket that is connected. Errors are
// [ErrAgain], [os.ErrClosed] and a [unix.Errno], which may be that of a datagram
// sent before.
func (p *Port) Send(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.open {
		return os.ErrClosed
	}
	_, errno := rawSend(int(p.descriptor), b, 0)
	if errno == unix.EAGAIN {
		return ErrAgain
	}
	return result(errno)
}

// SendTo sends a datagram to an address, from one of the machine's, or if that is
// zero from the socket's own. Errors are those of [Port.Send].
func (p *Port) SendTo(b []byte, to, from Sockaddr) error {
	var one struct {
		message message
		part    datagram
	}
	m := &one.message
	m.header.Iov, m.header.Name = &one.part.iov, (*byte)(unsafe.Pointer(&one.part.name))
	m.header.SetIovlen(1)
	if len(b) > 0 {
		one.part.iov.Base = &b[0]
		one.part.iov.SetLen(len(b))
	}
	m.header.Namelen = to.raw(&one.part.name)
	if from.family != 0 {
		m.header.Control = &one.part.control[0]
		m.header.SetControllen(appendLocal(one.part.control[:0], from))
	}
	_, err := p.mmsg(unix.SYS_SENDMMSG, unsafe.Slice(m, 1))
	return err
}

// Receive reads a datagram that the other end of a connected socket has sent.
// Errors are those of [Port.Send].
func (p *Port) Receive(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.open {
		return 0, os.ErrClosed
	}
	n, errno := rawRead(int(p.descriptor), b)
	switch errno {
	case 0:
		return n, nil
	case unix.EAGAIN:
		return 0, ErrAgain
	}
	return 0, errno
}

// LocalAddr asks the kernel for the socket's own address.
func (p *Port) LocalAddr() (s Sockaddr, err error) {
	err = p.FD(func(descriptor int) (err error) {
		s, err = getsockname(descriptor)
		return err
	})
	return s, err
}

// Cookie is the kernel's name of the socket: the same in all processes that have it,
// and never another one's.
func (p *Port) Cookie() (cookie uint64, err error) {
	err = p.FD(func(descriptor int) (err error) {
		cookie, err = unix.GetsockoptUint64(descriptor, unix.SOL_SOCKET, unix.SO_COOKIE)
		return err
	})
	return cookie, err
}

// Reactor returns where p was last added.
func (p *Port) Reactor() *Reactor { return p.reactor }

// Close closes a socket that no other process has: the reactor would go on to hear
// of it. Others are detached. A second Close does nothing and returns
// [os.ErrClosed].
func (p *Port) Close() error {
	descriptor := p.forget(false)
	if descriptor < 0 {
		return os.ErrClosed
	}
	return closeDescriptor(descriptor)
}

// Detach takes the socket out of the reactor and gives it to the caller; p is
// closed without it. It returns nil when p was closed already.
func (p *Port) Detach() *fd.Owned {
	descriptor := p.forget(true)
	if descriptor < 0 {
		return nil
	}
	return fd.New(descriptor)
}

func (p *Port) forget(unregister bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.open {
		return -1
	}
	descriptor := int(p.descriptor)
	p.open, p.descriptor = false, -1
	if p.interest != 0 && unregister {
		// An error would mean that it is not in the set.
		_ = epollCtl(p.reactor.epoll.Raw(), unix.EPOLL_CTL_DEL, descriptor, nil)
	}
	p.interest = 0
	r := p.reactor
	r.mu.Lock()
	r.table.remove(descriptor)
	r.mu.Unlock()
	return descriptor
}
