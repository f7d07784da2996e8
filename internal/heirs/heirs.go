// Package heirs is what all rooms of a draining worker that give their connections
// away have in common: the new workers that take them, whose turn it is, and the
// tally of what has moved and what has not.
//
//	frozen --Offer--> offered --ack--> Moved
//	  ^                  |
//	  +---- Another -----+-----------> Stayed: served here until it ends
package heirs

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/handover"
)

// Reasons to refuse a connection that mean the same in every room.
var (
	// ErrEnded: the worker is draining itself, and has nothing left. Another heir
	// may take the connection.
	ErrEnded       = errors.New("worker has ended")
	ErrNotListened = errors.New("address is no longer listened on")
	ErrNoRoom      = errors.New("worker_connections are not enough")
	ErrState       = errors.New("state of the connection cannot be read")
)

// A Tally is how a handover went.
type Tally struct {
	Moved  map[string]int // connections by what they were doing
	Stayed map[string]int // by the reason
	Took   time.Duration  // until the last one had moved
}

// A Set is the heirs of a draining worker. Any goroutine may use it.
type Set struct {
	begun time.Time
	any   atomic.Bool
	turn  atomic.Uint32

	offering sync.RWMutex // held for reading by who offers

	mu      sync.Mutex // guards what follows
	senders []*handover.Sender
	ended   []*handover.Sender // what they offered may have come back
	changed []func()
	tally   Tally
}

// New returns a set without heirs; its time begins now.
func New() *Set {
	return &Set{begun: time.Now(), tally: Tally{Moved: map[string]int{}, Stayed: map[string]int{}}}
}

// OnChange has f called whenever there are other heirs. f must not wait.
func (s *Set) OnChange(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = append(s.changed, f)
}

// Adopt adds heirs. With instead nothing goes to earlier ones any more: it waits
// until everything that they were offered is answered. The senders are the set's.
func (s *Set) Adopt(senders []*handover.Sender, instead bool) {
	if instead {
		s.dismiss()
	}
	s.mu.Lock()
	s.senders = append(slices.Clip(s.senders), senders...)
	s.any.Store(len(s.senders) > 0)
	changed := s.changed
	s.mu.Unlock()
	for _, f := range changed {
		f()
	}
}

// dismiss ends the senders when everything they offered is answered. A channel
// over which something came back stays open to the end of the process: its end
// would tell the heir to take that after all.
func (s *Set) dismiss() {
	s.offering.Lock()
	defer s.offering.Unlock()
	s.mu.Lock()
	old := s.senders
	s.senders = nil // any stays: others are about to come
	s.mu.Unlock()
	for _, o := range old {
		if !o.Settle() {
			s.keep(o)
			continue
		}
		_ = o.Close() // nothing is unanswered: it is only a descriptor
	}
}

func (s *Set) keep(ended *handover.Sender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, ended)
}

// Any reports whether there is an heir, as far as is known. A nil set has none.
func (s *Set) Any() bool { return s != nil && s.any.Load() }

// Len is how many heirs there are.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.senders)
}

// Offer offers items to the heirs in turn, and waits while too much is unanswered.
// Every item's Done is called, by this goroutine when there is nobody to offer it to.
func (s *Set) Offer(items []handover.Item) {
	s.offering.RLock()
	for len(items) > 0 {
		heir := s.next()
		if heir == nil {
			break
		}
		n, err := heir.Offer(items)
		items = items[n:]
		if err != nil {
			s.remove(heir)
		}
	}
	s.offering.RUnlock()
	for _, item := range items {
		item.Done(handover.ErrPeerGone)
	}
}

// Heirs are the heirs at this moment. The first ones are more likely to have what the
// worker itself has had.
func (s *Set) Heirs() []*handover.Sender {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.senders)
}

// OfferTo is Offer to one of Heirs, for what no other heir can take.
func (s *Set) OfferTo(heir *handover.Sender, items []handover.Item) {
	s.offering.RLock()
	n, err := heir.Offer(items)
	if err != nil {
		s.remove(heir)
	}
	s.offering.RUnlock()
	for _, item := range items[n:] {
		item.Done(handover.ErrPeerGone)
	}
}

func (s *Set) next() *handover.Sender {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.senders) == 0 {
		return nil
	}
	return s.senders[int(s.turn.Add(1)-1)%len(s.senders)]
}

func (s *Set) remove(heir *handover.Sender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.senders, heir); i >= 0 {
		s.senders = slices.Delete(slices.Clone(s.senders), i, i+1)
		s.ended = append(s.ended, heir)
		s.any.Store(len(s.senders) > 0)
	}
}

// Another reports whether a connection that came back with err may be offered
// again.
func (s *Set) Another(err error) bool {
	var refused *handover.Refused
	if errors.As(err, &refused) && refused.Reason != ErrEnded.Error() || errors.Is(err, handover.ErrTakenBack) {
		return false
	}
	return s.Any()
}

// Moved counts a connection that has moved, by what it was doing.
func (s *Set) Moved(doing string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.Moved[doing]++
	s.tally.Took = time.Since(s.begun)
}

// Stayed counts a connection that is not moved, because of why.
func (s *Set) Stayed(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.Stayed[Reason(why)]++
}

// Reason is err without the words of the protocol.
func Reason(err error) string {
	var refused *handover.Refused
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return err.Error()
}

// Tally is how it goes so far.
func (s *Set) Tally() Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tally
	t.Moved, t.Stayed = maps.Clone(t.Moved), maps.Clone(t.Stayed)
	return t
}

// Close ends all senders. Nothing that came back is open any more, and nothing is
// offered.
func (s *Set) Close() {
	s.mu.Lock()
	all := append(s.ended, s.senders...)
	s.senders, s.ended = nil, nil
	s.any.Store(false)
	s.mu.Unlock()
	for _, o := range all {
		_ = o.Close() // it may be at its end already
	}
}
