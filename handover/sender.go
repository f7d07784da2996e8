package handover

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// DefaultDeadline is how long an offer may go unanswered.
const DefaultDeadline = 2 * time.Second

// window is how many offers may be unanswered. With it a batch is never in
// flight for longer than a few others take, and the queue of the channel has
// room for what is sent.
const window = 3

// batchBytes is how many bytes of records one message has, more only for a
// single record.
const batchBytes = 16 << 10

var (
	// ErrTakenBack is what Item.Done gets when the offer was not answered in
	// time, or [Sender.Stop] was called.
	ErrTakenBack = errors.New("not answered in time")

	// ErrPeerGone is what Item.Done gets when the new worker has died or left
	// before it answered.
	ErrPeerGone = errors.New("the new worker is gone")

	// ErrEnded is returned by Offer of a Sender that offers nothing any more.
	ErrEnded = errors.New("handover has ended")
)

// A Refused is what Item.Done gets when the new worker has said no.
type Refused struct{ Reason string }

func (r *Refused) Error() string { return "refused: " + r.Reason }

// An Item is a frozen connection.
type Item struct {
	Record Record

	// Files are the descriptors that Record counts. They are the Sender's
	// between Offer and Done.
	Files []*fd.Owned

	// Done is called once for an item that was offered, by the Sender's own
	// goroutine: with nil when the connection is the new worker's, and Files
	// are closed; else with the reason, and Files are the caller's again.
	Done func(err error)
}

// A Sender offers connections to one new worker. Its methods may be called from
// any goroutine.
type Sender struct {
	ch       Channel
	deadline time.Duration
	probe    Probe
	heard    chan struct{} // closed when the hearing goroutine has ended

	offering sync.Mutex // held while one caller offers

	sending sync.Mutex // held while descriptors are on their way into the channel

	mu      sync.Mutex
	room    sync.Cond // signalled when waiting becomes shorter, and at the end
	last    uint64    // number of the latest offer
	waiting []*batch  // offered, in order
	why     error     // what is not answered is taken back because of; nil: on
	ended   bool
	timer   *time.Timer
}

// A batch is the items of one message.
type batch struct {
	number uint64
	items  []Item
	due    time.Time
}

// NewSender starts to offer over ch, which is the Sender's from here on. An
// offer that is not answered within deadline (0: [DefaultDeadline]) ends the
// Sender. probe is for tests and may be nil.
func NewSender(ch Channel, deadline time.Duration, probe Probe) *Sender {
	if deadline <= 0 {
		deadline = DefaultDeadline
	}
	s := &Sender{ch: ch, deadline: deadline, probe: probe, heard: make(chan struct{})}
	s.room.L = &s.mu
	s.timer = time.AfterFunc(deadline, s.late)
	s.timer.Stop()
	go s.hear()
	return s
}

// Offer offers items, in as few messages as they need, and waits while too much
// is unanswered. It returns how many were offered; with an error the others are
// still the caller's, and their Done is not called.
func (s *Sender) Offer(items []Item) (offered int, err error) {
	s.offering.Lock()
	defer s.offering.Unlock()
	for offered < len(items) {
		n, err := s.offerSome(items[offered:])
		if err != nil {
			return offered, err
		}
		offered += n
	}
	return offered, nil
}

// fitting is how many of items one message takes, at least one.
func fitting(items []Item) int {
	size, files := 0, 0
	for i := range items {
		size += len(items[i].Record.State) + len(items[i].Record.Kind) + 16
		files += len(items[i].Files)
		if i > 0 && (i == MaxRecords || size > batchBytes || files > fd.MaxDescriptors) {
			return i
		}
	}
	return len(items)
}

func (s *Sender) offerSome(items []Item) (n int, err error) {
	n = fitting(items)
	b := &batch{items: append([]Item(nil), items[:n]...)}
	m := message{Records: make([]Record, n)}
	var files []*fd.Owned
	for i, item := range b.items {
		if err := item.Record.check(); err != nil {
			return 0, err
		}
		if int(item.Record.Files) != len(item.Files) {
			return 0, ErrMessage
		}
		m.Records[i] = item.Record
		files = append(files, item.Files...)
	}
	s.mu.Lock()
	for len(s.waiting) >= window && !s.ended {
		s.room.Wait()
	}
	if s.ended {
		s.mu.Unlock()
		return 0, ErrEnded
	}
	s.sending.Lock()
	s.last++
	b.number, b.due = s.last, time.Now().Add(s.deadline)
	m.Offer = s.last
	s.waiting = append(s.waiting, b)
	if len(s.waiting) == 1 {
		s.timer.Reset(s.deadline)
	}
	s.mu.Unlock()

	bytes, err := encoding.Marshal(m)
	if err == nil {
		s.probe.at(StepFrozen)
		err = s.send(bytes, files)
	}
	s.sending.Unlock()
	if err != nil && s.withdraw(b) {
		return 0, fmt.Errorf("%w: %w", ErrEnded, err)
	}
	s.probe.at(StepOffered)
	return n, nil
}

// send waits for answers when the kernel has too many descriptors on their way.
func (s *Sender) send(msg []byte, files []*fd.Owned) error {
	for {
		err := s.ch.Send(msg, files...)
		if !errors.Is(err, unix.ETOOMANYREFS) {
			return err
		}
		s.mu.Lock()
		before := len(s.waiting)
		for len(s.waiting) == before && before > 1 && !s.ended {
			s.room.Wait()
		}
		alone := before <= 1
		s.mu.Unlock()
		if alone { // they are somebody else's, and nothing tells when they are fewer
			return err
		}
	}
}

// withdraw ends the Sender because a batch could not be sent. It reports whether
// the batch is the caller's again; else its Done was called.
func (s *Sender) withdraw(b *batch) bool {
	s.mu.Lock()
	mine := false
	for i := range s.waiting {
		if s.waiting[i] == b {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			mine = true
			break
		}
	}
	s.mu.Unlock()
	s.end(ErrPeerGone)
	return mine
}

// hear reads answers until none can come, and then gives back what had none.
func (s *Sender) hear() {
	defer close(s.heard)
	buf := make([]byte, fd.MaxMessage)
	err := s.answers(buf)
	s.mu.Lock()
	if s.why == nil {
		s.why = ErrPeerGone
		if errors.Is(err, ErrMessage) {
			s.why = err
		}
	}
	why, back := s.why, s.waiting
	s.ended, s.waiting = true, nil
	s.timer.Stop()
	s.room.Broadcast()
	s.mu.Unlock()
	s.sending.Lock() // what is lent to a call that runs is not to be closed
	//lint:ignore SA2001 the call is waited for
	s.sending.Unlock()
	for _, b := range back {
		for _, item := range b.items {
			item.Done(why)
		}
	}
}

// answers reads until the end of the channel. A reset comes before what is still
// queued, and only once.
func (s *Sender) answers(buf []byte) error {
	resets := 0
	for {
		b, files, err := s.ch.Receive(buf)
		fd.CloseAll(files) // nobody has any to give us
		if errors.Is(err, unix.ECONNRESET) && resets == 0 {
			resets++
			continue
		}
		if err == nil {
			err = s.answer(b)
		}
		if err != nil {
			_ = s.ch.ShutdownRead() // what comes now must not look as if it were read
			return err
		}
	}
}

// answer settles the oldest batch.
func (s *Sender) answer(msg []byte) error {
	s.mu.Lock()
	if len(s.waiting) == 0 {
		s.mu.Unlock()
		return ErrMessage
	}
	b := s.waiting[0]
	reasons, err := parseAnswer(msg, b.number, len(b.items))
	if err != nil {
		s.mu.Unlock()
		return err
	}
	s.waiting = s.waiting[1:]
	s.timer.Stop()
	if len(s.waiting) > 0 {
		s.timer.Reset(time.Until(s.waiting[0].due))
	}
	s.room.Broadcast()
	s.mu.Unlock()
	for i, item := range b.items {
		if reason, refused := reasons[i]; refused {
			item.Done(&Refused{Reason: reason})
			continue
		}
		fd.CloseAll(item.Files)
		item.Done(nil)
	}
	s.probe.at(StepReleased)
	return nil
}

// late ends the Sender when the oldest offer is overdue.
func (s *Sender) late() {
	s.mu.Lock()
	overdue := len(s.waiting) > 0 && !time.Now().Before(s.waiting[0].due)
	s.mu.Unlock()
	if overdue {
		s.end(ErrTakenBack)
	}
}

// end has the hearing goroutine read what is queued and take the rest back.
func (s *Sender) end(why error) {
	s.mu.Lock()
	if s.why == nil {
		s.why = why
	}
	s.ended = true
	s.room.Broadcast()
	s.mu.Unlock()
	if err := s.ch.ShutdownRead(); err != nil && !errors.Is(err, io.EOF) {
		// The socket is not connected any more: the hearing goroutine knows.
		return
	}
}

// Ended is closed when the Sender offers nothing any more, and every item that
// was offered had its Done.
func (s *Sender) Ended() <-chan struct{} { return s.heard }

// Stop takes back what is unanswered, and returns when every Done was called.
// The channel stays open: see Close.
func (s *Sender) Stop() {
	s.end(ErrTakenBack)
	<-s.heard
}

// Settle waits until everything that was offered is answered; it returns false when
// the Sender has ended instead. Nothing may be offered meanwhile.
func (s *Sender) Settle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.waiting) > 0 && !s.ended {
		s.room.Wait()
	}
	return !s.ended
}

// Close is Stop, and closes the channel. To the new worker that looks like our
// death, and it would take over what was offered last; so after Done has given a
// connection back, Close must wait for the end of that connection, or be left to
// the end of the process.
func (s *Sender) Close() error {
	s.Stop()
	return s.ch.Close()
}
