package poll

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxDatagram is more than any datagram over IP has.
const maxDatagram = 64 << 10

// batchSize is how many datagrams one system call moves.
const batchSize = 32

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
}

// A datagram is where one message of a batch has its parts.
type datagram struct {
	iov     unix.Iovec
	name    unix.RawSockaddrAny
	control [controlSize]byte
}

// A batch is messages for recvmmsg(2) or sendmmsg(2).
type batch struct {
	messages [batchSize]message
	parts    [batchSize]datagram
}

// init points the messages at their parts.
func (b *batch) init() {
	for i := range b.messages {
		h, part := &b.messages[i].header, &b.parts[i]
		h.Iov = &part.iov
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&part.name))
	}
}

// An Inbox is room for the datagrams of one read from a socket. It is for the
// reactor's goroutine, and serves any number of Ports.
type Inbox struct {
	batch
	memory []byte
}

// NewInbox returns an empty Inbox. Of its 2 MB only what is used is ever in memory.
func NewInbox() *Inbox {
	in := &Inbox{memory: make([]byte, batchSize*maxDatagram)}
	in.init()
	for i := range in.parts {
		in.parts[i].iov.Base = &in.memory[i*maxDatagram]
		in.parts[i].iov.SetLen(maxDatagram)
	}
	return in
}

// Receive reads what has come to p, at most 32 datagrams, in place of what was in
// the Inbox before. It returns how many there are; [ErrAgain] when there is none.
// locals: the address that each came to is asked for.
func (in *Inbox) Receive(p *Port, locals bool) (int, error) {
	for i := range in.messages {
		h := &in.messages[i].header
		h.Namelen = unix.SizeofSockaddrAny
		h.Control, h.Controllen = nil, 0
		if locals {
			h.Control = &in.parts[i].control[0]
			h.SetControllen(controlSize)
		}
	}
	return p.mmsg(unix.SYS_RECVMMSG, in.messages[:])
}

// Data is datagram i of the last Receive, until the next one.
func (in *Inbox) Data(i int) []byte {
	return in.memory[i*maxDatagram:][:in.messages[i].length]
}

// From is who sent datagram i.
func (in *Inbox) From(i int) Sockaddr {
	name := &in.parts[i].name
	s := sockaddrOf(name)
	if s.family == unix.AF_INET6 {
		s.scope = (*unix.RawSockaddrInet6)(unsafe.Pointer(name)).Scope_id
	}
	return s
}

// To is the address that datagram i came to, if the kernel has told: then port is
// that of the result.
func (in *Inbox) To(i int, port uint16) (local Sockaddr, ok bool) {
	h := &in.messages[i].header
	if h.Control == nil {
		return Sockaddr{}, false
	}
	return parseLocal(in.parts[i].control[:h.Controllen], port)
}

// mmsg is recvmmsg(2) or sendmmsg(2). It returns how many messages went through,
// and an error only when that is none.
func (p *Port) mmsg(call uintptr, messages []message) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.open {
		return 0, os.ErrClosed
	}
	for {
		n, _, errno := unix.RawSyscall6(call, uintptr(p.descriptor), uintptr(unsafe.Pointer(&messages[0])),
			uintptr(len(messages)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, ErrAgain
		default:
			return 0, errno
		}
	}
}

// An Outbox gathers datagrams that leave through one Port, so that one system call
// sends them all. It is for the reactor's goroutine.
//
//	room := out.Room()       // nil: there is none
//	n := copy(room, ...)     // or a Receive into it
//	out.Put(n, to, from, o)
//	out.Flush()
type Outbox struct {
	batch
	port   *Port
	memory []byte // nil before the first Room
	used   int    // of memory
	sent   int    // of the messages, the first ones
	n      int
	owners [batchSize]Sending
	waits  bool // for room
}

// Sending is told, on the reactor's goroutine, of a datagram that could not be sent.
type Sending interface{ SendFailed(err error) }

// NewOutbox returns an empty Outbox of p.
func NewOutbox(p *Port) *Outbox {
	out := &Outbox{port: p}
	out.init()
	return out
}

// outboxSize has room for one large datagram behind many small ones.
const outboxSize = 2 * maxDatagram

// Room is where the next datagram is to be written; nil while the Outbox is full
// and the socket has no room either.
func (out *Outbox) Room() []byte {
	if out.memory == nil {
		out.memory = make([]byte, outboxSize)
	}
	if out.full() {
		out.Flush()
	}
	if out.full() {
		return nil
	}
	return out.memory[out.used:][:maxDatagram]
}

func (out *Outbox) full() bool { return out.n == batchSize || out.used > outboxSize-maxDatagram }

// Len is how many datagrams have not been sent.
func (out *Outbox) Len() int { return out.n - out.sent }

// Put adds the n bytes that were written to Room as a datagram to an address, from
// one of the machine's, or if that is zero from the socket's own. owner is told if
// it cannot be sent; not nil.
func (out *Outbox) Put(n int, to, from Sockaddr, owner Sending) {
	i := out.n
	h, part := &out.messages[i].header, &out.parts[i]
	part.iov.Base = &out.memory[out.used]
	part.iov.SetLen(n)
	out.used += n
	h.Namelen = to.raw(&part.name)
	h.Control, h.Controllen = nil, 0
	if from.family != 0 {
		h.Control = &part.control[0]
		h.SetControllen(appendLocal(part.control[:0], from))
	}
	out.owners[i] = owner
	out.n++
}

// Flush sends what there is. What the socket has no room for stays, and leaves when
// Flush is called by Writable.
func (out *Outbox) Flush() {
	for out.sent < out.n {
		n, err := out.port.mmsg(unix.SYS_SENDMMSG, out.messages[out.sent:out.n])
		if err == ErrAgain {
			// When it cannot be waited for, the next Flush will try again.
			out.waits = true
			_ = out.port.Writing(true)
			return
		}
		if err != nil { // of the first one; the others may be fine
			owner, err := out.owners[out.sent], err
			out.port.reactor.Post(func() { owner.SendFailed(err) })
			n = 1
		}
		out.sent += n
	}
	clear(out.owners[:out.n])
	out.sent, out.n, out.used = 0, 0, 0
	if out.waits {
		out.waits = false
		_ = out.port.Writing(false) // at worst it is told in vain
	}
}
