package stream

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
)

// An orphanDialogue goes on with a session of datagrams whose route is gone: nobody
// but us knows the other end. It ends when nothing has come for as long as it would
// have waited before.
type orphanDialogue struct {
	poll.Port // connected to the other end
	session   *Session
	state     []byte // of the Correspondent before
	timeout   int64  // ms

	mu     sync.Mutex // guards what follows
	over   bool
	frozen bool
	awake  bool  // the session does not rest, and Expire is not on its way
	doom   error // see Stop
	last   int64 // tick when something came
	late   *time.Timer
}

// adoptDialogue makes s an orphan. With handover_orphans close it ends after a time,
// or at once.
func (s *Session) adoptDialogue(state []byte, waits Waiting, socket *fd.Owned) Correspondent {
	o := &orphanDialogue{session: s, state: state, timeout: waits.Timeout.Milliseconds(), last: s.Tick() - waits.Quiet.Milliseconds()}
	s.Reactor().AddPort(&o.Port, socket.Take(), o)
	if env := s.worker.main.env; env.CloseOrphans {
		o.late = time.AfterFunc(env.OrphanTime, func() { o.Stop(ErrShutdown) })
	}
	return o
}

// Begin implements [Correspondent].
func (o *orphanDialogue) Begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.session.SetHandler(o)
	o.proceed()
}

// proceed reads, and rests until it is too late. Needs o.mu.
func (o *orphanDialogue) proceed() {
	if o.over {
		return
	}
	if err := o.Reading(true); err != nil && !errors.Is(err, os.ErrClosed) {
		o.session.Logf(log.Alert, "%v", err)
		o.end()
		return
	}
	o.rest()
}

func (o *orphanDialogue) rest() {
	o.session.Rest(time.Duration(max(o.last+o.timeout-o.session.Tick(), 1)) * time.Millisecond)
}

// Arrived implements [Correspondent].
func (o *orphanDialogue) Arrived(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over || o.frozen {
		return
	}
	o.session.Count(int64(len(b)), 0)
	o.last = o.session.Tick()
	if err := o.Send(b); err != nil && err != poll.ErrAgain {
		o.end()
	}
}

// Readable is for the reactor.
func (o *orphanDialogue) Readable(*poll.Port) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over || o.frozen {
		return
	}
	room := o.session.Reply()
	if room == nil { // it is lost on the way
		var dump [1]byte
		_, _ = o.Receive(dump[:])
		return
	}
	n, err := o.Receive(room)
	switch {
	case err == poll.ErrAgain:
	case err != nil:
		o.end()
	default:
		o.last = o.session.Tick()
		o.session.SendReply(n, o)
	}
}

// Writable is for the reactor; nobody waits for it.
func (o *orphanDialogue) Writable(*poll.Port) {}

// SendFailed implements [poll.Sending].
func (o *orphanDialogue) SendFailed(error) { o.Stop(nil) }

// Serve is for the reactor; the session's Conn is never readable.
func (o *orphanDialogue) Serve(*poll.Conn) {}

// Expire is for the reactor: nothing may have come for too long.
func (o *orphanDialogue) Expire(*poll.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.over:
	case o.frozen:
		o.awake = true
	case o.last+o.timeout > o.session.Tick():
		o.rest()
	default:
		o.end()
	}
}

// Stop implements [Correspondent].
func (o *orphanDialogue) Stop(cause error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.frozen {
		o.doom = cause
		return
	}
	if !o.over {
		o.end()
	}
}

// Freeze implements [Correspondent].
func (o *orphanDialogue) Freeze() *fd.Owned {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return nil
	}
	o.frozen, o.awake = true, o.session.Reactor().Evict(&o.session.Conn)
	return o.Detach()
}

// Frozen implements [Correspondent].
func (o *orphanDialogue) Frozen() ([]byte, Waiting, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	quiet := time.Duration(o.session.Tick()-o.last) * time.Millisecond
	return o.state, Waiting{time.Duration(o.timeout) * time.Millisecond, quiet}, nil
}

// Thaw implements [Correspondent].
func (o *orphanDialogue) Thaw(socket *fd.Owned) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.session.Reactor().AddPort(&o.Port, socket.Take(), o)
	o.frozen = false
	if o.doom != nil {
		o.end()
		return
	}
	if o.awake {
		o.proceed()
		return
	}
	_ = o.Reading(true) // Expire is about to come
}

// Moved implements [Correspondent].
func (o *orphanDialogue) Moved() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	o.stopTimer()
}

func (o *orphanDialogue) stopTimer() {
	if o.late != nil {
		o.late.Stop()
	}
}

// end ends the session. Needs o.mu.
func (o *orphanDialogue) end() {
	o.over = true
	o.stopTimer()
	if socket := o.Detach(); socket != nil { // another process may have it
		_ = socket.Close()
	}
	o.session.Finalize(StatusOK)
}
