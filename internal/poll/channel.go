package poll

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// A Channel is an [fd.Channel] whose waiting is done by a Reactor: what comes
// over it is seen in the turn of the loop in which it comes, however busy the
// process is, and after each message others get the processor. Its methods do what
// those of fd.Channel do; one goroutine may send while another receives.
type Channel struct {
	conn Conn
}

// NewChannel makes a Channel of ch, which is closed.
func (r *Reactor) NewChannel(ch *fd.Channel) (*Channel, error) {
	o, err := ch.Owned()
	if closeErr := ch.Close(); err == nil && closeErr != nil {
		o.Close()
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	c := new(Channel)
	r.Add(&c.conn, o.Take(), nil)
	return c, nil
}

// Send is [fd.Channel.Send]; it waits while the peer's queue is full.
func (c *Channel) Send(msg []byte, files ...*fd.Owned) error {
	if len(msg) == 0 {
		return fd.ErrEmptyMessage
	}
	if len(msg) > fd.MaxMessage || len(files) > fd.MaxDescriptors {
		return fd.ErrMessageTooLong
	}
	for {
		err := c.trySend(msg, files)
		if errors.Is(err, unix.EAGAIN) {
			err = c.conn.wait(writing)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("sendmsg() on channel failed: %w", err)
		}
		c.conn.reactor.Yield()
		return nil
	}
}

func (c *Channel) trySend(msg []byte, files []*fd.Owned) error {
	var rights []byte
	if len(files) > 0 {
		numbers := make([]int, len(files))
		for i, o := range files {
			numbers[i] = o.Raw()
		}
		rights = unix.UnixRights(numbers...)
	}
	return c.conn.call(func(descriptor int) error {
		c.conn.roomUsed()
		return unix.Sendmsg(descriptor, msg, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	})
}

// call runs f with the descriptor, again as long as it is interrupted, with the
// Conn held open.
func (c *Conn) call(f func(descriptor int) error) error {
	for {
		c.mu.Lock()
		descriptor := int(c.descriptor)
		if c.state == closed {
			c.mu.Unlock()
			return os.ErrClosed
		}
		err := f(descriptor)
		c.mu.Unlock()
		if err != unix.EINTR {
			return err
		}
	}
}

// Receive is [fd.Channel.Receive].
func (c *Channel) Receive(buf []byte) (msg []byte, files []*fd.Owned, err error) {
	c.conn.reactor.Yield()
	for {
		msg, files, err = c.TryReceive(buf)
		if !errors.Is(err, unix.EAGAIN) {
			return msg, files, err
		}
		if err := c.conn.wait(reading); err != nil {
			return nil, nil, fmt.Errorf("recvmsg() on channel failed: %w", err)
		}
	}
}

// TryReceive is [fd.Channel.TryReceive].
func (c *Channel) TryReceive(buf []byte) (msg []byte, files []*fd.Owned, err error) {
	oob := make([]byte, unix.CmsgSpace(4*fd.MaxDescriptors))
	var n, oobn, flags int
	err = c.conn.call(func(descriptor int) (err error) {
		c.conn.flags.And(^readable)
		n, oobn, flags, _, err = unix.Recvmsg(descriptor, buf, oob, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
		if err != unix.EAGAIN {
			c.conn.flags.Or(readable) // there may be more
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("recvmsg() on channel failed: %w", err)
	}
	files, err = rights(oob[:oobn])
	switch {
	case err == nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0:
		err = fd.ErrMessageTooLong
	case err == nil && n == 0:
		err = io.EOF
	}
	if err != nil {
		fd.CloseAll(files)
		return nil, nil, err
	}
	return buf[:n], files, nil
}

// rights are the descriptors in a control message.
func rights(oob []byte) (files []*fd.Owned, err error) {
	if len(oob) == 0 {
		return nil, nil
	}
	parts, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("control message on channel: %w", err)
	}
	for i := range parts {
		numbers, err := unix.ParseUnixRights(&parts[i])
		if err != nil {
			continue // credentials and the like: nothing that we would own
		}
		for _, n := range numbers {
			files = append(files, fd.New(n))
		}
	}
	return files, nil
}

// ShutdownRead is [fd.Channel.ShutdownRead].
func (c *Channel) ShutdownRead() error {
	return c.conn.call(func(descriptor int) error { return unix.Shutdown(descriptor, unix.SHUT_RD) })
}

// Close is [fd.Channel.Close]. Who waits gets [os.ErrClosed].
func (c *Channel) Close() error { return c.conn.Close() }
