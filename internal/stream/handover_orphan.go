package stream

import (
	"time"

	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
)

// An orphan holds a session whose route is gone: nobody but us knows the other end.
type orphan struct {
	session *Session
	other   poll.Conn
	stream  *tls.Stream // over other; nil: no TLS
	tunnel  poll.Tunnel
	state   []byte      // of the holder before
	late    *time.Timer // nil: it goes on to its end
}

// adopt makes s, whose other end is m, an orphan. With handover_orphans close it ends
// after a time, or at once.
func (s *Session) adopt(state []byte, m *Moved) Holder {
	o := &orphan{session: s, stream: m.Stream, state: state}
	s.Reactor().Add(&o.other, m.Socket.Take(), nil)
	m.Fill(&o.tunnel)
	end := &o.tunnel.Ends[1]
	end.Conn = &o.other
	if o.stream != nil {
		o.stream.SetSocket(&o.other)
		end.Stream = o.stream
	}
	o.setTimeouts(end.Timeout)
	if env := s.worker.main.env; env.CloseOrphans {
		o.late = time.AfterFunc(env.OrphanTime, func() { s.stop(ErrShutdown) })
	}
	return o
}

func (o *orphan) setTimeouts(d time.Duration) {
	o.session.SetWriteTimeout(d)
	o.other.SetWriteTimeout(d)
}

func (o *orphan) stopTimer() {
	if o.late != nil {
		o.late.Stop()
	}
}

// Ended implements [Holder].
func (o *orphan) Ended(poll.Ending) {
	o.stopTimer()
	if o.stream != nil {
		_ = o.stream.Close() // nobody would do anything about it
	}
	if o.session.shared {
		_ = o.other.ShutdownBoth()
	}
	_ = o.other.Close()
	o.session.Finalize(StatusOK)
}

// Frozen implements [Holder].
func (o *orphan) Frozen() ([]byte, error) { return o.state, nil }

// Thawed implements [Holder].
func (o *orphan) Thawed() { o.setTimeouts(o.tunnel.Ends[1].Timeout) }

// Moved implements [Holder].
func (o *orphan) Moved() { o.stopTimer() }
