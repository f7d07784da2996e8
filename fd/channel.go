package fd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// MaxMessage is the largest message in bytes that a [Channel] carries. What is
// larger travels as a descriptor of a [Memfd].
const MaxMessage = 64 << 10

// MaxDescriptors is the largest number of descriptors in one message; the
// kernel's own bound is 253.
const MaxDescriptors = 250

var (
	// ErrMessageTooLong is returned by Send for a message over [MaxMessage] or
	// with more than [MaxDescriptors] descriptors, and by Receive when the peer
	// sent one: the connection is then of no further use.
	ErrMessageTooLong = errors.New("message too long for channel")

	// ErrEmptyMessage is returned by Send: an empty message would look like the
	// end of the channel.
	ErrEmptyMessage = errors.New("empty message on channel")
)

// A Channel is one end of a connection between two processes of one machine
// that keeps message boundaries and carries descriptors (SOCK_SEQPACKET with
// SCM_RIGHTS). One goroutine may send while another receives; Close may be
// called by anyone and wakes both.
type Channel struct {
	f   *os.File
	raw syscall.RawConn
}

// Pair returns the two ends of a new channel.
func Pair() (a, b *Channel, err error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair() failed: %w", err)
	}
	a, errA := NewChannel(New(p[0]))
	b, errB := NewChannel(New(p[1]))
	if err := errors.Join(errA, errB); err != nil {
		for _, c := range []*Channel{a, b} {
			if c != nil {
				c.Close()
			}
		}
		return nil, nil, err
	}
	return a, b, nil
}

// NewChannel makes a channel of a connected SOCK_SEQPACKET socket, for example
// one that was inherited. o belongs to the channel from here on; on failure it
// is closed.
func NewChannel(o *Owned) (*Channel, error) {
	if err := checkSeqpacket(o); err != nil {
		o.Close()
		return nil, err
	}
	f := o.File("channel")
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Channel{f: f, raw: raw}, nil
}

// checkSeqpacket also makes the socket non-blocking: a channel waits in Go's
// poller, never in the kernel.
func checkSeqpacket(o *Owned) error {
	kind, err := unix.GetsockoptInt(o.Raw(), unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return fmt.Errorf("getsockopt(SO_TYPE) failed: %w", err)
	}
	if kind != unix.SOCK_SEQPACKET {
		return fmt.Errorf("channel is not a SOCK_SEQPACKET socket: %w", unix.EPROTOTYPE)
	}
	if err := unix.SetNonblock(o.Raw(), true); err != nil {
		return fmt.Errorf("fcntl(O_NONBLOCK) failed: %w", err)
	}
	return nil
}

// Send sends one message with copies of the descriptors of files, which stay
// the caller's. It waits while the peer's queue is full, until the write
// deadline. The error wraps [unix.EPIPE] or [unix.ECONNRESET] when the peer is
// gone, and [os.ErrDeadlineExceeded] when the deadline has passed; the peer has
// then seen nothing of the message.
func (c *Channel) Send(msg []byte, files ...*Owned) error {
	if len(msg) == 0 {
		return ErrEmptyMessage
	}
	if len(msg) > MaxMessage || len(files) > MaxDescriptors {
		return ErrMessageTooLong
	}
	var rights []byte
	if len(files) > 0 {
		numbers := make([]int, len(files))
		for i, o := range files {
			numbers[i] = o.Raw()
		}
		rights = unix.UnixRights(numbers...)
	}
	var sendErr error
	err := c.raw.Write(func(p uintptr) bool {
		for {
			sendErr = unix.Sendmsg(int(p), msg, rights, nil, unix.MSG_NOSIGNAL)
			if sendErr != unix.EINTR {
				return sendErr != unix.EAGAIN
			}
		}
	})
	if err == nil {
		err = sendErr
	}
	if err != nil {
		return fmt.Errorf("sendmsg() on channel failed: %w", err)
	}
	return nil
}

// Receive waits for the next message, until the read deadline, and returns it
// in buf together with its descriptors, which are close-on-exec and the
// caller's to close. It returns [io.EOF] when the peer has closed its end or
// died, and [ErrMessageTooLong] when buf or the room for descriptors was too
// small; what came along is then closed.
func (c *Channel) Receive(buf []byte) (msg []byte, files []*Owned, err error) {
	return c.receive(buf, true)
}

// TryReceive is [Channel.Receive] that returns [unix.EAGAIN] instead of waiting.
func (c *Channel) TryReceive(buf []byte) (msg []byte, files []*Owned, err error) {
	return c.receive(buf, false)
}

func (c *Channel) receive(buf []byte, wait bool) (msg []byte, files []*Owned, err error) {
	oob := make([]byte, unix.CmsgSpace(4*MaxDescriptors))
	var n, oobn, flags int
	var recvErr error
	err = c.raw.Read(func(p uintptr) bool {
		for {
			n, oobn, flags, _, recvErr = unix.Recvmsg(int(p), buf, oob, unix.MSG_CMSG_CLOEXEC)
			if recvErr != unix.EINTR {
				return recvErr != unix.EAGAIN || !wait
			}
		}
	})
	if err == nil {
		err = recvErr
	}
	if err != nil {
		return nil, nil, fmt.Errorf("recvmsg() on channel failed: %w", err)
	}
	files, err = parseRights(oob[:oobn])
	if err == nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = ErrMessageTooLong
	}
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		CloseAll(files)
		return nil, nil, err
	}
	return buf[:n], files, nil
}

func parseRights(oob []byte) ([]*Owned, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	parts, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("control message on channel: %w", err)
	}
	var files []*Owned
	for i := range parts {
		numbers, err := unix.ParseUnixRights(&parts[i])
		if err != nil {
			continue // credentials and the like: nothing that we would own
		}
		for _, n := range numbers {
			files = append(files, New(n))
		}
	}
	return files, nil
}

// SetDeadline bounds every later and every waiting Send and Receive; the zero
// time means no bound.
func (c *Channel) SetDeadline(t time.Time) error { return c.f.SetDeadline(t) }

// SetReadDeadline is [Channel.SetDeadline] for Receive alone.
func (c *Channel) SetReadDeadline(t time.Time) error { return c.f.SetReadDeadline(t) }

// ShutdownRead stops receiving: what the peer has sent already can still be
// read, and what it sends from now on fails there with EPIPE.
func (c *Channel) ShutdownRead() error {
	var err error
	if ctl := c.raw.Control(func(p uintptr) { err = unix.Shutdown(int(p), unix.SHUT_RD) }); ctl != nil {
		return ctl
	}
	return err
}

// Owned returns a descriptor of its own for this end, for passing it to a third
// process. The channel stays open and stays the caller's.
func (c *Channel) Owned() (*Owned, error) { return FromFile(c.f) }

// Close closes this end; the peer's next Receive returns [io.EOF] once it has
// read what was sent before.
func (c *Channel) Close() error { return c.f.Close() }

// CloseAll closes every descriptor of files that is still open.
func CloseAll(files []*Owned) {
	for _, o := range files {
		o.Close()
	}
}
