package handover

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// A Taken is a connection that was rebuilt and is not yet ours. Exactly one of
// its methods is called, once, by the goroutine of [Receiver.Run].
type Taken interface {
	// Start says that the connection is ours: it may read and write from now on.
	// It must not wait for that.
	Start()

	// Drop says that the old worker has it: the descriptors are to be closed,
	// without a word to the other end.
	Drop()
}

// A Kind is what a receiver knows about a kind of record.
type Kind struct {
	// Version is the newest one that is understood; older ones are, too.
	Version uint

	// Accept rebuilds a connection from r and files, which are Accept's from
	// here on, on failure too. It must neither read nor write the connection.
	// The error is told to the old worker, as the reason to keep it.
	Accept func(r *Record, files []*fd.Owned) (Taken, error)
}

// A Receiver accepts the connections of one old worker.
type Receiver struct {
	ch     Channel
	kinds  map[string]Kind
	probe  Probe
	unsent []Taken // accepted, and the old worker may not know it
}

// NewReceiver returns a Receiver of kinds, by their names, on ch, which is the
// Receiver's from here on. probe is for tests and may be nil.
func NewReceiver(ch Channel, kinds map[string]Kind, probe Probe) *Receiver {
	return &Receiver{ch: ch, kinds: kinds, probe: probe}
}

// Run accepts until the old worker has nothing more to offer, or is dead, and
// closes the channel; then it returns nil. An error says that the channel
// broke, or brought what is no offer: nothing of that is ours.
func (r *Receiver) Run() error {
	defer r.ch.Close()
	buf := make([]byte, fd.MaxMessage)
	resets := 0
	for {
		msg, files, err := r.ch.Receive(buf)
		if errors.Is(err, unix.ECONNRESET) && resets == 0 {
			resets++ // answers lie unread with a dead worker; what it sent last is still there
			continue
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		taken, answer, err := r.take(msg, files)
		if err != nil {
			return err
		}
		if err := r.ch.Send(answer); err != nil {
			r.unsent = append(r.unsent, taken...)
			return r.judge(buf, err)
		}
		r.probe.at(StepAcked)
		start(taken)
		r.probe.at(StepStarted)
	}
}

// Close ends Run; what is not answered stays with the old worker.
func (r *Receiver) Close() error { return r.ch.Close() }

// judge finds out whose the connections are whose answer could not be sent: ours
// when the old worker is dead, its own when it lives.
func (r *Receiver) judge(buf []byte, sendErr error) error {
	if !errors.Is(sendErr, unix.EPIPE) && !errors.Is(sendErr, unix.ECONNRESET) {
		drop(r.unsent)
		return sendErr
	}
	resets := 0
	for {
		msg, files, err := r.ch.TryReceive(buf)
		switch {
		case errors.Is(err, unix.ECONNRESET) && resets == 0:
			resets++
		case errors.Is(err, io.EOF):
			start(r.unsent)
			return nil
		case err != nil: // EAGAIN
			drop(r.unsent)
			return nil
		default:
			taken, _, err := r.take(msg, files)
			if err != nil {
				drop(r.unsent)
				return err
			}
			r.unsent = append(r.unsent, taken...)
		}
	}
}

func start(list []Taken) {
	for _, t := range list {
		t.Start()
	}
}

func drop(list []Taken) {
	for _, t := range list {
		t.Drop()
	}
}

// take rebuilds what is offered and makes the answer. With an error nothing is
// left open.
func (r *Receiver) take(msg []byte, files []*fd.Owned) (taken []Taken, answer []byte, err error) {
	m, err := parseOffer(msg, len(files))
	if err != nil {
		fd.CloseAll(files)
		return nil, nil, err
	}
	r.probe.at(StepReceived)
	reply := message{Answer: m.Offer}
	for i := range m.Records {
		rec := &m.Records[i]
		own := files[:rec.Files:rec.Files]
		files = files[rec.Files:]
		t, err := r.accept(rec, own)
		if err != nil {
			reply.Refused = append(reply.Refused, refusal{Index: uint(i), Reason: printable(err.Error())})
			continue
		}
		taken = append(taken, t)
	}
	answer, err = encoding.Marshal(reply)
	if err != nil {
		drop(taken)
		return nil, nil, err
	}
	r.probe.at(StepAccepted)
	return taken, answer, nil
}

func (r *Receiver) accept(rec *Record, files []*fd.Owned) (Taken, error) {
	k, known := r.kinds[rec.Kind]
	switch {
	case !known:
		fd.CloseAll(files)
		return nil, fmt.Errorf("unknown kind %q", rec.Kind)
	case rec.Version > k.Version:
		fd.CloseAll(files)
		return nil, fmt.Errorf("unknown version %d of %q", rec.Version, rec.Kind)
	}
	return k.Accept(rec, files)
}
