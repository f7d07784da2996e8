package process

import (
	"errors"
	"io"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// A link is the master's end of a channel to a worker or another master, with a goroutine each for
// sending and receiving: the loop never waits for a worker.
type link struct {
	ch  *fd.Channel
	out chan packet
}

// backlog is how many packets may wait for a worker. One that lets as many lie
// is told nothing more, and stopped by signals.
const backlog = 256

// newLink starts the goroutines. The loop gets each packet by heard, whose
// descriptors are its own. It gets unheard when the worker sent
// what is no message, or cannot be sent to; and ended, last of all, when
// nothing more can come.
func (m *master) newLink(ch *fd.Channel, heard func(packet), unheard func(error), ended func()) *link {
	l := &link{ch: ch, out: make(chan packet, backlog)}
	m.helpers.Go(func() {
		if err := l.sending(); err != nil {
			m.post(func() { unheard(err) })
		}
	})
	m.helpers.Go(func() {
		defer m.post(ended)
		buf := make([]byte, fd.MaxMessage)
		for {
			p, err := receive(ch, buf)
			if errors.Is(err, errMessage) || errors.Is(err, fd.ErrMessageTooLong) {
				m.post(func() { unheard(err) })
				return
			}
			if err != nil {
				return
			}
			if !m.post(func() { heard(p) }) {
				fd.CloseAll(p.files)
				return
			}
		}
	})
	return l
}

// sending sends what is queued, until close. After an error, which it returns
// at once, what is queued waits for close.
func (l *link) sending() error {
	for p := range l.out {
		err := send(l.ch, p)
		fd.CloseAll(p.files)
		if err != nil {
			return err
		}
	}
	return nil
}

// send queues p, whose descriptors belong to the link now. It says whether
// there was room.
func (l *link) send(p packet) bool {
	select {
	case l.out <- p:
		return true
	default:
		fd.CloseAll(p.files)
		return false
	}
}

// finish has the receiving goroutine deliver what the worker, which has exited,
// said last, and then the end.
func (l *link) finish() error { return l.ch.ShutdownRead() }

// close ends both goroutines. Nothing may be sent after.
func (l *link) close() {
	close(l.out)
	l.ch.Close()
	for p := range l.out {
		fd.CloseAll(p.files)
	}
}

// tell sends a worker a plain message, or the signal that means the same when
// its queue is full.
func (m *master) tell(w *worker, kind string, s syscall.Signal) {
	if w.link.send(packet{message: message{Kind: kind}}) {
		return
	}
	m.complain(LevelAlert, failed(m.sys.kill(w.pid, s), "kill(%d, %d)", w.pid, int(s)))
}

// isGone says whether err means that the peer of a channel has gone.
func isGone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
}
